"""The record and its bytes. One entry is one line of UTF-8 JSON; those exact bytes are hashed.

    {"v":1,"seq":3,"id":"0192f3c1-7c1e-7b7a-9d0e-3f0c5b1a2e44","action":"LICENSE_ASSIGNED", ...}

The order of the keys is the order of the fields below. A line is written once, here, and never again:
whoever needs it later reads the stored bytes. `docs/format.md` is the page about it.
"""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from indelible.errors import EventError
from indelible.values import DEPTH, LARGE, Attachment, set_aside, shallow

VERSION = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_LINE = 65_535  # bytes; a C2SP entry bundle gives each entry a 16-bit length
MAX_ACTION = 100  # characters
MAX_NAME = 256  # characters of a copied name; the full value stands in `changes`
BROUGHT = ("api_key", "imported", "sent")  # of metadata: how an event came, and a hash of what was sent
ACTION = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")

ActorType = Literal["user", "api_key", "system", "job", "database", "unknown"]
Outcome = Literal["success", "failure", "denied"]


class Actor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who acted, as they were at that moment. A copy: renaming the user later changes no entry."""

    type: ActorType = "user"
    id: str | None = None
    name: str | None = None
    email: str | None = None
    on_behalf_of: "Actor | UnsetType" = UNSET  # the user whom an administrator impersonates

    @classmethod
    def system(cls, job: str) -> Self:
        """An automated action; `job` names what ran."""
        return cls(type="system", id=job, name=job)

    @classmethod
    def unknown(cls, *, email: str | None = None) -> Self:
        """Nobody proved who they are. `email` is only what was claimed."""
        return cls(type="unknown", email=email)


class Entity(msgspec.Struct, frozen=True, gc=False):
    """What was acted on."""

    type: str
    id: str
    name: str | None = None


class Organization(msgspec.Struct, frozen=True, gc=False):
    """The tenant the entry belongs to."""

    id: str
    name: str | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How the change arrived. Keys that are not known are left out."""

    source: str | None = None  # "portal", "job", "sql" (the database alone saw it), ...
    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    transaction_id: str | None = None


class Event(msgspec.Struct, kw_only=True, gc=False):
    """What happened, before it has a place in the log."""

    action: str
    operation: str
    entity: Entity
    occurred_at: datetime
    actor: Actor
    id: UUID
    organization: Organization | None = None
    changes: dict[str, dict[str, Any]] = {}
    outcome: Outcome = "success"
    reason: str | None = None
    context: Context = Context()
    metadata: dict[str, Any] = {}

    def check(self) -> None:
        """Refuse what no entry may carry. Raises EventError naming the field."""
        if not ACTION.fullmatch(self.action) or len(self.action) > MAX_ACTION:
            raise EventError(
                "action", f"{self.action[:120]!r} is not of the form ENTITY_PASTVERB, as LICENSE_ASSIGNED."
            )
        if not self.entity.type or not self.entity.id:
            raise EventError(
                "entity", f"type and id are needed; these are {self.entity.type!r} and {self.entity.id!r}."
            )
        if self.occurred_at.tzinfo is None:
            raise EventError("occurred_at", f"{self.occurred_at.isoformat()} has no time zone. Give it in UTC.")


class Entry(msgspec.Struct, kw_only=True, gc=False):
    """A sealed event. The order of these fields is the order of the keys in the line: frozen once released."""

    v: int
    seq: int  # the leaf's index in the tree: from 0, dense, in the order of sealing
    id: UUID
    action: str
    operation: str
    occurred_at: str  # RFC 3339, UTC, six decimals
    actor: Actor
    entity: Entity
    organization: Organization | None
    changes: dict[str, dict[str, Any]]
    outcome: str
    reason: str | None
    context: Context
    metadata: dict[str, Any]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def seal(event: Event, seq: int) -> tuple[bytes, list[Attachment]]:
    """The line of `event` at place `seq` (without line end), and the large values to keep beside the log.

    Changes and metadata always fit: what does not go into MAX_LINE bytes is set aside, largest first. Raises
    EventError for other texts that are too long, for what JSON cannot carry, and for what not every reader of it could
    read; captured records hold none of that.
    """
    try:
        line, kept = _fit(event, seq)
        _check_depth(event, line, kept)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EventError("event", f"it holds what JSON cannot carry: {error}.") from error
    if len(line) > MAX_LINE:
        raise EventError("event", f"its line has {len(line)} bytes, up to {MAX_LINE} fit. Shorten its names and texts.")
    return line, kept


def read(line: bytes) -> Entry:
    """The entry in a line. Raises EventError if these bytes are no entry."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventError("line", f"these bytes are not an entry: {error}.") from error


def derive_id(at: datetime, *source: str) -> UUID:
    """A version 7 UUID (RFC 9562, 5.7) whose random bits are a hash of `source`.

    The same captured record has the same id however often it is read again, which is how the log
    knows it; ids of one time lie together in the index.
    """
    bits = int.from_bytes(hashlib.sha256("\0".join(source).encode()).digest()[:10])
    return _uuid7(micros(at) // 1000, bits >> 68, bits)


def random_id(millis: int) -> UUID:
    """Another one each time; `millis`: milliseconds since 1970."""
    bits = secrets.randbits(74)
    return _uuid7(millis, bits >> 62, bits)


def _uuid7(millis: int, a: int, b: int) -> UUID:
    return UUID(int=(millis & 2**48 - 1) << 80 | 0x7 << 76 | (a & 0xFFF) << 64 | 0b10 << 62 | b & 2**62 - 1)


def rfc3339(at: datetime) -> str:
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def micros(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly."""
    return (at - EPOCH) // MICROSECOND


def clip(text: str | None, limit: int = MAX_NAME) -> str | None:
    """A copied name of at most `limit` characters; valid UTF-8 whatever came in."""
    if text is None:
        return None
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _fit(event: Event, seq: int) -> tuple[bytes, list[Attachment]]:
    line = _line(event, seq, event.changes, event.metadata)
    if len(line) <= LARGE:  # then no value in it is larger
        return line, []
    changes, kept = _slim(event.changes)
    line = _line(event, seq, changes, event.metadata)
    if len(line) <= MAX_LINE:
        return line, kept
    changes = {column: dict(change) for column, change in changes.items()}
    while len(line) > MAX_LINE:
        if _set_largest_aside(changes, kept):
            line = _line(event, seq, changes, event.metadata)
            continue
        # Hundreds of columns, each small: all of it becomes one value.
        whole, attachment = set_aside({"changes": changes, "metadata": event.metadata})
        said = {name: event.metadata[name] for name in BROUGHT if name in event.metadata}
        return _line(event, seq, {}, {"set_aside": whole, **said}), [*kept, attachment]
    return line, kept


def _check_depth(event: Event, line: bytes, kept: list[Attachment]) -> None:
    """Few lines have so many brackets."""
    if not kept and line.count(b"[") + line.count(b"{") <= DEPTH:
        return
    for field, value, levels in (("changes", event.changes, DEPTH + 2), ("metadata", event.metadata, DEPTH)):
        if not shallow(value, levels):
            raise too_deep(field)


def too_deep(field: str) -> EventError:
    return EventError(field, f"a value is nested more than {DEPTH} deep. Give it as a text.")


def _line(event: Event, seq: int, changes: dict[str, dict[str, Any]], metadata: dict[str, Any]) -> bytes:
    return _encode(
        Entry(
            v=VERSION,
            seq=seq,
            id=event.id,
            action=event.action,
            operation=event.operation,
            occurred_at=rfc3339(event.occurred_at),
            actor=event.actor,
            entity=event.entity,
            organization=event.organization,
            changes=changes,
            outcome=event.outcome,
            reason=event.reason,
            context=event.context,
            metadata=metadata,
        )
    )


def _slim(changes: dict[str, dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[Attachment]]:
    """As they are where nothing is large."""
    kept: list[Attachment] = []
    slim = changes
    for column, change in changes.items():
        for side in ("old", "new"):
            if side in change and _heavy(change[side]):
                shown, attachment = set_aside(change[side])
                slim = slim | {column: slim[column] | {side: shown}}
                kept.append(attachment)
    return slim, kept


def _heavy(spelled: Any) -> bool:
    """Quick for what is plainly not: a character takes up to six bytes."""
    if isinstance(spelled, str) and len(spelled) <= LARGE // 6:
        return False
    return _weight(spelled) > LARGE


def _set_largest_aside(changes: dict[str, dict[str, Any]], kept: list[Attachment]) -> bool:
    """Set the heaviest value aside; False when none is heavier than what would stand in its place."""
    places = [
        (_weight(change.get(side)), column, side) for column, change in changes.items() for side in ("old", "new")
    ]
    weight, column, side = max(places, default=(0, "", ""))
    if weight <= 1500:  # noqa: PLR2004 - a hash, a size and a preview (six bytes a control character) take up to 1,400
        return False
    changes[column][side], attachment = set_aside(changes[column][side])
    kept.append(attachment)
    return True


def _weight(spelled: Any) -> int:
    """Bytes of JSON; quick for what is plainly small."""
    if spelled is None or isinstance(spelled, bool | int | float):
        return 24
    return len(_encode(spelled))
