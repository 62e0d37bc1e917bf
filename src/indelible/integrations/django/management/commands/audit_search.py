"""Find entries, newest first."""

from typing import Any

from django.core.management.base import CommandParser

from indelible.cli import commands
from indelible.integrations.django.auditing import log_url
from indelible.integrations.django.commands import AuditCommand, add_search


class Command(AuditCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_search(parser)
        parser.add_argument("--limit", type=int, default=50, help="How many entries, newest first")
        parser.add_argument("--json", action="store_true", help="One entry a line, as it is in the log")

    def run(self, **options: Any) -> None:
        commands.search(
            log_url(), options["query"], options["since"], options["until"], options["limit"], json=options["json"]
        )
