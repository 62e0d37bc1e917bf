"""An export from the page: recorded first, then streamed."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from starlette.requests import Request

from indelible.event import Entity, Event, Organization, derive_id
from indelible.export import write
from indelible.log import Log
from indelible.search.page import lines
from indelible.search.query import Query
from indelible.viewer import Viewer
from indelible.web.frame import context_of
from indelible.web.state import State


def export(log: Log, query: Query, name: str, viewer: Viewer, request: Request, state: State) -> Iterator[bytes]:  # noqa: PLR0913, PLR0917 - what is asked, by whom, and how
    """The file in chunks. Who takes entries away is on record before the first byte leaves."""
    log.sign()  # whatever keeps the log from being signed keeps the export from being recorded as done
    end = log.head().size  # before the export's own entry
    details = {"format": name, "query": state.q, "since": state.since, "until": state.until, "up_to_entry": end - 1}
    _record(log, viewer, request, {key: value for key, value in details.items() if value != ""})
    return write(lines(log, query, organization=viewer.organization, end=end), name, log.origin)


def _record(log: Log, viewer: Viewer, request: Request, details: dict[str, object]) -> None:
    now = datetime.now(UTC)
    with log.appending() as appending:
        organization = None
        if viewer.organization is not None:
            organization = Organization(viewer.organization, appending.names.organization_name(viewer.organization))
        appending.add(
            Event(
                action="AUDIT_EXPORTED",
                operation="export",
                entity=Entity("AuditLog", log.origin, "Audit log"),
                occurred_at=now,
                actor=viewer.actor,
                id=derive_id(now, secrets.token_hex(16)),
                organization=organization,
                context=context_of(request),
                metadata=details,
            )
        )
    log.sign()
