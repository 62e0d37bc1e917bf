"""Write every entry found, in the log's order."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indelible.cli import commands
from indelible.export import FORMATS
from indelible.integrations.django.auditing import log_url
from indelible.integrations.django.commands import AuditCommand, add_search


class Command(AuditCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_search(parser)
        parser.add_argument("--format", choices=list(FORMATS), default="jsonl", help="jsonl is the log, byte for byte")
        parser.add_argument("-o", "--output", type=Path, help="A file; otherwise stdout")

    def run(self, **options: Any) -> None:
        commands.export(
            log_url(), options["query"], options["since"], options["until"], options["format"], options["output"]
        )
