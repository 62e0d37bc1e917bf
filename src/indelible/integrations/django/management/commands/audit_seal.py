"""Move everything captured so far into the log, once; a server process does it by itself."""

from typing import Any

from indelible.cli.output import say, show
from indelible.integrations.django.auditing import audit
from indelible.integrations.django.commands import AuditCommand


class Command(AuditCommand):
    help = __doc__

    def run(self, **_: Any) -> None:
        added = audit().seal()
        show(str(added))
        say(f"Sealed {added} entries; the log has {audit().log.head().size}.")
