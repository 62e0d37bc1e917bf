"""The command itself; the modules beside this one add to it."""

import typer

HELP = "The audit log for admin portals. LOG is sqlite:///path/file.db; APP is that, or postgresql://user@host/name"
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=HELP)
