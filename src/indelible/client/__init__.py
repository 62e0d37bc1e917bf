"""For programs that record in a log of another machine: over HTTP, with a spool on the disk in between.

with Client("https://audit.acme.test/api/v1", key, spool="audit.spool") as audit:
audit.record("LICENSE_ASSIGNED", Entity("License", "lic_9"), actor=Actor(id="u_42", name="Dana Lee"))
"""

from indelible.client.client import AsyncClient, Client, Recorded
from indelible.client.wire import ApiError

__all__ = ["ApiError", "AsyncClient", "Client", "Recorded"]
