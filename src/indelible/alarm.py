"""The entry that says that the log is not what was signed: one for each finding, however often it is found."""

import secrets
from datetime import UTC, datetime

from indelible.errors import Error, VerificationError
from indelible.event import Actor, Context, Entity, Entry, Event, derive_id
from indelible.log import Log
from indelible.store.promise import Among, Clause, Wanted

ACTION = "AUDIT_TAMPERING_DETECTED"
MAX_REASON = 2048  # characters


def record(log: Log, error: VerificationError, right: datetime | None) -> datetime:
    """Gives since when it is on record. `right`: when the log was last found to be, as far as this program knows.

    Where the newest alarm says the same, from before a restart or by another process, there is no second one; what
    that says of a time before `right` was mended. Raises LogError, VerificationError.
    """
    newest, event = _newest(log), _event(log.origin, error)
    if newest is not None and newest.reason == event.reason:
        since = datetime.fromisoformat(newest.occurred_at)
        if right is None or right < since:
            return since
    log.append([event])
    return event.occurred_at


def _newest(log: Log) -> Entry | None:
    """The newest alarm, as far as it can be looked up: something is wrong with this log."""
    try:
        action = Among("action", log.store.fitting("action", ACTION.casefold()))
        wanted = Wanted([Clause([action])])
        found = [] if wanted.nothing else log.store.find(wanted, range(log.head().size), 1, descending=True)
        return next((log.entry(seq) for seq in found), None)
    except (Error, TypeError, ValueError, AttributeError):  # a damaged file may hold a value of any kind in any place
        return None


def _event(origin: str, error: VerificationError) -> Event:
    now = datetime.now(UTC)
    return Event(
        action=ACTION,
        operation="verify",
        entity=Entity("Log", origin, origin),
        occurred_at=now,
        actor=Actor.system("monitor"),
        id=derive_id(now, secrets.token_hex(16)),
        outcome="failure",
        reason=str(error)[:MAX_REASON],
        context=Context(source="indelible"),
        metadata={"kind": error.kind} | ({} if error.seq is None else {"seq": error.seq}),
    )
