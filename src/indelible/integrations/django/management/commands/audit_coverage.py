"""Every table: watched, excluded and why, or not covered; exit 3 if any is not covered."""

from typing import Any

import msgspec
from django.core.management.base import CommandError, CommandParser

from indelible.cli.output import show
from indelible.integrations.django.commands import AuditCommand, add_database, aliases
from indelible.integrations.django.coverage import coverage


class Command(AuditCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_database(parser)
        parser.add_argument("--json", action="store_true", help="One table a line")

    def run(self, **options: Any) -> None:
        missing = 0
        for alias in aliases(options["database"]):
            for each in coverage(alias):
                missing += not each.clean
                named = {"database": alias, **each._asdict()}
                line = f"{each.state:<12}  {each.table}  {each.reason or ''}".rstrip()
                show(msgspec.json.encode(named).decode() if options["json"] else line)
        if missing:
            raise CommandError(
                f"{missing} tables are not covered. Watch them, or exclude them in the map.", returncode=3
            )
