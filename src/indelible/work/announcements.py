"""What is done to the work is an entry of the log: written down together with what it tells of, then sealed.

    change the work, write the announcement -> commit -> seal it -> forget it
                                              A         B

Killed before A: nothing happened. At A or B: whoever settles next finds it, and the log knows by its id whether it is
sealed. So nothing is done unrecorded, and nothing is recorded twice.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from indelible.errors import ConflictError
from indelible.event import Actor, Context, Entity, Event, Organization, Outcome, clip, derive_id, seal
from indelible.log import Log
from indelible.store.promise import MAX_SIZE
from indelible.work.promise import Statements, Work


@dataclass(frozen=True, kw_only=True)
class By:
    """Who does it, and whose things they may see: `organization`'s, or with None everybody's."""

    actor: Actor
    organization: str | None = None
    context: Context | None = None


def announce(statements: Statements, event: Event) -> None:
    """Within the transaction of what it tells of. Raises EventError for what could not be sealed."""
    event.check()
    seal(event, MAX_SIZE)  # one that could not be would keep all others from it, for good
    statements.last()
    statements.run("add_announcement", id=str(event.id), event=msgspec.json.encode(event).decode())


def happening(  # noqa: PLR0913 - an event is just these
    action: str,
    operation: str,
    entity: Entity,
    actor: Actor,
    *,
    organization: str | None = None,
    changes: dict[str, dict[str, Any]] | None = None,
    metadata: dict[str, Any] | None = None,
    reason: str | None = None,
    context: Context | None = None,
    outcome: Outcome = "success",
) -> Event:
    """Of now."""
    now = datetime.now(UTC)
    return Event(
        action=action,
        operation=operation,
        entity=entity,
        occurred_at=now,
        actor=actor,
        id=derive_id(now, secrets.token_hex(16)),
        organization=None if organization is None else Organization(organization),
        changes=changes or {},
        outcome=outcome,
        reason=reason,
        context=context or Context(source="indelible"),
        metadata=metadata or {},
    )


def note(  # noqa: PLR0913, PLR0917 - of which log, by whom, and what
    log: Log, by: By, action: str, operation: str, metadata: dict[str, Any], outcome: Outcome = "success"
) -> None:
    """What is done to the log as a whole, and changes no work: sealed and signed when this returns.

    What says nothing is left out of `metadata`. Raises LogError, VerificationError.
    """
    told = {name: value for name, value in metadata.items() if value not in ("", None)}
    entity = Entity("AuditLog", log.origin, "Audit log")
    event = happening(
        action, operation, entity, by.actor, organization=by.organization, metadata=told, context=by.context,
        outcome=outcome,
    )  # fmt: skip
    _seal(log, [event])
    log.sign()


def settle(work: Work, log: Log) -> int:
    """Seal and sign what was announced; gives how many entries that added. Raises LogError, VerificationError."""
    with work.transaction() as statements:
        waiting = [msgspec.json.decode(text, type=Event) for (text,) in statements.run("announcements")]
    waiting.sort(key=lambda event: event.occurred_at)  # their ids are in order by the millisecond only
    if not waiting:
        return 0
    added = _seal(log, waiting)
    log.sign()
    with work.transaction() as statements:
        statements.many("drop_announcement", ({"id": str(event.id)} for event in waiting))
    return added


def _seal(log: Log, events: list[Event]) -> int:
    """Another process that settles the same costs a retry, never a second entry."""
    while True:
        try:
            with log.appending() as appending:
                known = appending.known([event.id for event in events])
                new = [_named(event, appending.names.organization_name) for event in events if event.id not in known]
                for event in new:
                    appending.add(event)
                return len(new)
        except ConflictError:
            continue


def _named(event: Event, name_of: Any) -> Event:
    """With the organization's name as the log last knew it."""
    if event.organization is None:
        return event
    key = event.organization.id
    return msgspec.structs.replace(event, organization=Organization(key, clip(name_of(key))))
