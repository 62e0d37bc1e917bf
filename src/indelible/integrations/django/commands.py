"""What all commands of manage.py share: they run those of the command line, with LOG and APP from the settings."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from indelible.errors import Error
from indelible.integrations.django.conf import configured
from indelible.search.moment import WRITTEN


class AuditCommand(BaseCommand):
    """An error ends it with one sentence and the exit code of the command line."""

    requires_system_checks = ()

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            with self._to_stdout():
                self.run(**options)
        except (Error, OSError) as error:
            raise CommandError(str(error), returncode=getattr(error, "exit_code", Error.exit_code)) from error

    @contextmanager
    def _to_stdout(self) -> Iterator[None]:
        """Bytes go straight to the terminal or pipe; to whoever called with a `stdout` of their own, as text."""
        if self.stdout._out is sys.stdout:  # noqa: SLF001 - Django's own wrapper
            yield
            return
        caught = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        try:
            with redirect_stdout(caught):
                yield
        finally:
            caught.flush()
            self.stdout.write(caught.buffer.getvalue().decode(), ending="")


def add_database(parser: CommandParser) -> None:
    parser.add_argument("--database", help="One of INDELIBLE['DATABASES']; default: each of them")


def aliases(given: str | None) -> list[str]:
    """Raises CommandError for a database that is not watched."""
    known = list(configured().DATABASES)
    if given is not None and given not in known:
        raise CommandError(f"INDELIBLE['DATABASES'] has {', '.join(known)}, not {given!r}.", returncode=2)
    return known if given is None else [given]


def add_search(parser: CommandParser) -> None:
    parser.add_argument("query", nargs="?", default="", help="As in the search bar: dana action:PRODUCT_*")
    parser.add_argument("--since", help=WRITTEN)
    parser.add_argument("--until", help="Likewise; a day is included")
