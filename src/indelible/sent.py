"""Events that programs and files bring: as they are sent, with holes, and as they are once these are filled.

What the database captured says so by words in `metadata` that nobody else may use; what comes from elsewhere says that.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indelible.errors import EventError
from indelible.event import (
    ACTION,
    EPOCH,
    MAX_ACTION,
    MAX_NAME,
    Actor,
    Context,
    Entity,
    Entry,
    Event,
    Organization,
    Outcome,
    derive_id,
    micros,
    random_id,
    too_deep,
)  # fmt: skip
from indelible.values import EXACT, shallow

MAX_EVENTS = 1000
RESERVED = {"api_key", "database", "imported", "row", "sent", "set_aside", "statement", "table", "was"}

Action = Annotated[str, Meta(pattern=f"^{ACTION.pattern}$", max_length=MAX_ACTION, examples=["LICENSE_ASSIGNED"])]
Word = Annotated[str, Meta(min_length=1, max_length=MAX_ACTION)]
Text = Annotated[str, Meta(max_length=MAX_NAME)]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class SentActor(Actor, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who acted. `database` is what capture alone can say."""

    type: Literal["user", "api_key", "system", "job", "unknown"] = "user"
    id: Text | None = None
    name: Text | None = None
    email: Text | None = None
    on_behalf_of: "SentActor | UnsetType" = UNSET


class SentEntity(Entity, frozen=True, forbid_unknown_fields=True):
    """What was acted on."""

    type: Key
    id: Annotated[str, Meta(min_length=1, max_length=1000)]
    name: Text | None = None


class SentOrganization(Organization, frozen=True, forbid_unknown_fields=True):
    """The tenant."""

    id: Key
    name: Text | None = None


class SentContext(Context, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How it arrived. `sql` and `indelible` are what capture says."""

    source: Annotated[str, Meta(max_length=MAX_NAME, pattern="^(?!(sql|indelible)$)")] | None = None
    ip: Text | None = None
    user_agent: Annotated[str, Meta(max_length=512)] | None = None
    request_id: Text | None = None
    transaction_id: Text | None = None


class Change(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A field of the entity. What is missing and null differ: creating has no old value, deleting no new one."""

    old: Any = UNSET
    new: Any = UNSET
    old_name: Text | UnsetType = UNSET
    new_name: Text | UnsetType = UNSET


class Sent(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An event as it is sent: what is missing is filled in."""

    action: Action
    entity: SentEntity
    operation: Word | None = None
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    actor: SentActor | None = None
    id: UUID | None = None
    organization: SentOrganization | None = None
    changes: dict[str, Change] = {}
    outcome: Outcome = "success"
    reason: Annotated[str, Meta(max_length=10_000)] | None = None
    context: SentContext | None = None
    metadata: dict[str, Any] = {}


class SentEvents(Struct, forbid_unknown_fields=True, gc=False):
    """Up to 1,000, in their order: all of them are recorded, or none."""

    events: Annotated[list[Sent], Meta(min_length=1, max_length=MAX_EVENTS)]


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"  # halves of a character, as JSON writes them
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"(%b%b|\\[^u])|(%b|%b)" % (_HIGH, _LOW, _HIGH, _LOW))  # what is whole first
_WORDS = {f"matching regex {f'^{ACTION.pattern}$'!r}": "of the form ENTITY_PASTVERB, as LICENSE_ASSIGNED"}


def plainly(error: Exception) -> str:
    """What is wrong with an event, in words where it would be a pattern."""
    text = str(error)
    for pattern, words in _WORDS.items():
        text = text.replace(pattern, words)
    return text


def unread(error: Exception, data: bytes) -> str:
    """Why bytes are no JSON. Half of a pair of surrogates, as some programs write, is read as an end of the input."""
    halves = (found[2] for found in _ESCAPES.finditer(data) if found[2])
    if type(error) is msgspec.DecodeError and (half := next(halves, None)):
        return f"{half.decode()} is half of a character, or its halves are not beside each other: write it whole"
    return plainly(error)


def wrong(raw: bytes | msgspec.Raw, shape: type[Struct] = Sent) -> list[tuple[str, str]]:
    """Every field of an event, as it was sent, that cannot be taken, and why. Empty: all of them can.

    Likewise of what has another shape.
    """
    try:
        given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except _UNREADABLE as error:
        return [("", plainly(error))]
    fields, found = msgspec.structs.fields(shape), list[tuple[str, str]]()
    for field in fields:
        if field.name in given:
            if why := _why(given[field.name], field.type):
                found.append((field.name, why))
        elif field.required:
            found.append((field.name, f"{field.name!r} is missing"))
    known = {field.name for field in fields}
    return found + [(name[:80], "There is no such field") for name in given if name not in known]


def _why(raw: msgspec.Raw, kind: Any) -> str | None:
    """Why a value cannot be taken. Msgspec says `$[...].new` of what stands under a name: here it is `$/name/new`."""
    try:
        msgspec.json.decode(raw, type=kind)
    except _UNREADABLE as error:
        said, _, place = plainly(error).partition(" - at `$[...]")
        if get_origin(kind) is dict and place:
            for name, each in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items():
                if _why(each, get_args(kind)[1]):
                    return f"{said} - at `$/{escaped(name)}{place.replace('.', '/')}"
        return plainly(error)
    return None


def escaped(name: str) -> str:
    """As it stands in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def reserved(sent: Sent) -> list[str]:
    """The words of its metadata that are not its own to use."""
    return sorted(RESERVED & sent.metadata.keys()) if sent.metadata else []


def check_depth(sent: Sent) -> None:
    """Raises EventError for what not every reader of JSON could read."""
    sides = [side for change in sent.changes.values() for side in (change.old, change.new)]
    for field, values in (("changes", sides), ("metadata", [sent.metadata])):
        if not all(map(shallow, values)):
            raise too_deep(field)


class Again(NamedTuple):
    """Events that may come again have the same ids each time. `name`: of what brings them; `hash`: of it as a whole."""

    name: str
    hash: str | None = None


_canonical = msgspec.json.Encoder(order="deterministic").encode


class Filling:
    """What is missing in events that come together. `said` of each in its metadata; `organization`: of all of them.

    What is sent again is known by a hash of what was sent: of an event that has an id of its own, else of all of it.
    """

    def __init__(
        self,
        actor: Actor,
        said: dict[str, Any],
        *,
        source: str,
        organization: str | None = None,
        again: Again | None = None,
    ) -> None:
        self._actor, self._said, self._source = actor, said, source
        self._now = datetime.now(UTC)
        self._millis = micros(self._now) // 1000
        self._again = again
        self._own = None if organization is None else Organization(organization)
        self._context = Context(source=source)

    def event(self, sent: Sent, place: str) -> Event:
        """`place`: where among them. Raises EventError."""
        said = self._said
        if self._again is not None or sent.id is not None:
            whole = self._again.hash if self._again and sent.id is None else None
            said = said | {"sent": (whole or hashlib.sha256(_canonical(sent)).hexdigest())[:32]}
        check_depth(sent)
        changes = {name: _change(change) for name, change in sent.changes.items()}
        metadata = _exact(sent.metadata) | said if sent.metadata else said
        try:
            occurred_at = sent.occurred_at.astimezone(UTC) if sent.occurred_at else self._now
        except OverflowError as error:
            raise EventError("occurred_at", "in UTC it is before the year 1, or after the year 9999.") from error
        return Event(
            action=sent.action,
            operation=sent.operation or _operation(sent),
            entity=sent.entity,
            occurred_at=occurred_at,
            actor=sent.actor or self._actor,
            id=sent.id or (derive_id(EPOCH, self._again.name, place) if self._again else random_id(self._millis)),
            organization=sent.organization or self._own,
            changes=changes,
            outcome=sent.outcome,
            reason=sent.reason,
            context=self._context if sent.context is None else _context(sent.context, self._source),
            metadata=metadata,
        )


def _context(sent: SentContext, source: str) -> Context:
    """Of the log's own type: which of its keys stand in the line depends on that."""
    return Context(
        source=sent.source or source, ip=sent.ip, user_agent=sent.user_agent, request_id=sent.request_id,
        transaction_id=sent.transaction_id,
    )  # fmt: skip


def _operation(sent: Sent) -> str:
    """What the action's last word says, where it says it."""
    return {"CREATED": "create", "UPDATED": "update", "DELETED": "delete"}.get(sent.action.rpartition("_")[2], "act")


def _change(change: Change) -> dict[str, Any]:
    told = {}
    if change.old is not UNSET:
        told["old"] = change.old if type(change.old) in _PLAIN else _exact(change.old)
    if change.new is not UNSET:
        told["new"] = change.new if type(change.new) in _PLAIN else _exact(change.new)
    if change.old_name is not UNSET:
        told["old_name"] = change.old_name
    if change.new_name is not UNSET:
        told["new_name"] = change.new_name
    return told


_PLAIN = {str, bool, float, type(None)}


def _exact(value: Any) -> Any:
    """Readers of JSON would round a larger integer: it is a text, as a database's are."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    return [_exact(each) for each in value] if isinstance(value, list) else value


def same(known: Entry | Event, event: Event) -> bool:
    """What was sent again, for whom it was sent. Anything else is another event, of which nothing is told."""
    theirs, ours = known.organization, event.organization
    alike = known.metadata.get("sent") == event.metadata["sent"]
    return alike and (theirs and theirs.id) == (ours and ours.id)
