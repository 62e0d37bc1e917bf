"""Check that the log is what was signed; exit 3 and name the first bad entry if it is not."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indelible.cli import commands
from indelible.integrations.django.auditing import log_url
from indelible.integrations.django.commands import AuditCommand


class Command(AuditCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--key", help="The verifier key of the log, kept elsewhere")
        parser.add_argument("--checkpoint", type=Path, help="A checkpoint kept from earlier")

    def run(self, **options: Any) -> None:
        commands.verify(log_url(), options["key"], options["checkpoint"])
