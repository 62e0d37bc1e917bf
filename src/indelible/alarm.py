"""The entries that say that the log is not what was signed, one for each finding, and that it is again."""

import secrets
from datetime import UTC, datetime
from typing import Any

from indelible.errors import Error, VerificationError
from indelible.event import Actor, Context, Entity, Entry, Event, derive_id
from indelible.log import Log
from indelible.store.promise import Among, Clause, Wanted

DETECTED, ENDED = "AUDIT_TAMPERING_DETECTED", "AUDIT_TAMPERING_ENDED"
MAX_REASON = 2048  # characters


def begin(log: Log, error: VerificationError, right: datetime | None) -> datetime:
    """Gives since when it is on record. `right`: when the log was last found to be, as far as this program knows.

    Where the newest of them says the same, from before a restart or by another process, there is no second one; what
    that says of a time before `right` was mended. Raises LogError, VerificationError.
    """
    newest, reason = _newest(log), str(error)[:MAX_REASON]
    if newest is not None and (newest.action, newest.reason) == (DETECTED, reason):
        since = datetime.fromisoformat(newest.occurred_at)
        if right is None or right < since:
            return since
    told = {"kind": error.kind} | ({} if error.seq is None else {"seq": error.seq})
    return _append(log, DETECTED, outcome="failure", reason=reason, metadata=told)


def end(log: Log, error: VerificationError) -> None:
    """Who found this finds it no more: on record, where it is what was found last."""
    newest = _newest(log)
    if newest is not None and (newest.action, newest.reason) == (DETECTED, str(error)[:MAX_REASON]):
        _append(log, ENDED, reason="The log is as it was signed again.")


def _newest(log: Log) -> Entry | None:
    """The newest such entry, as far as it can be looked up: something may be wrong with this log."""
    try:
        numbers = [number for each in (DETECTED, ENDED) for number in log.store.fitting("action", each.casefold())]
        wanted = Wanted([Clause([Among("action", numbers)])])
        found = {} if wanted.nothing else log.store.find(wanted, range(log.head().size), 1, descending=True)
        return next((log.entry(seq) for seq in found), None)
    except (Error, TypeError, ValueError, AttributeError):  # a damaged file may hold a value of any kind in any place
        return None


def _append(log: Log, action: str, **told: Any) -> datetime:
    now = datetime.now(UTC)
    event = Event(
        action=action,
        operation="verify",
        entity=Entity("Log", log.origin, log.origin),
        occurred_at=now,
        actor=Actor.system("monitor"),
        id=derive_id(now, secrets.token_hex(16)),
        context=Context(source="indelible"),
        **told,
    )
    log.append([event])
    return now
