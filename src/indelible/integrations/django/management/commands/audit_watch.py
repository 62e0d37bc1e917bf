"""Install capture on the tables of the project; `migrate` does it by itself."""

from typing import Any

from django.core.management.base import CommandParser

from indelible.cli.output import say, show
from indelible.integrations.django.commands import AuditCommand, add_database, aliases
from indelible.integrations.django.watching import watch


class Command(AuditCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_database(parser)

    def run(self, **options: Any) -> None:
        for alias in aliases(options["database"]):
            watched = watch(alias, whole_map=True)
            for table in watched:
                show(table)
            say(
                f"Watching {len(watched)} tables of {alias!r}. Every change to them is recorded by the database itself."
            )
