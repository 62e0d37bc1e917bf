"""Events that programs record."""

import hashlib
import secrets as chance
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from indelible.api.operation import Answer, Call, Operation, Parameter, decode, reply
from indelible.api.problems import Fault, ProblemError
from indelible.api.wire import MAX_EVENTS, Change, PlacedEvent, PlacedEvents, Sent, SentContext, SentEvents
from indelible.errors import ConflictError, EventError, TakenError
from indelible.event import EPOCH, Context, Entry, Event, Organization, derive_id
from indelible.group import Placed
from indelible.log import Log
from indelible.values import EXACT

OURS = {"api_key", "database", "row", "sent", "set_aside", "statement", "table", "was"}  # what capture says in metadata
TRIES = 5  # where another process appends at the same time
MAX_KEY = 200  # characters of an Idempotency-Key


class Events:
    """`POST /events`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def operations(self) -> Sequence[Operation]:
        placed = Answer("Where they stand in the log, signed", PlacedEvents)
        return [
            Operation(
                "POST", "/events", "appendEvents", "Record one event, or up to 1,000: all of them, or none", "append",
                self.append, body=SentEvents | Sent, raw=True, answers={201: placed, 200: placed},
                parameters=(Parameter("proof", "With the proof of each; a single one has it anyway", "boolean"),),
            ),
        ]  # fmt: skip

    def append(self, call: Call) -> Response:
        """200: all of them were there already, from an earlier request with the same ids or `Idempotency-Key`."""
        sent, single = _sent(call.body)
        once = call.request.headers.get("idempotency-key")
        if once is not None and not (0 < len(once) <= MAX_KEY and once.isprintable()):
            said = f"Idempotency-Key has 1 to {MAX_KEY} printable characters."
            raise ProblemError(400, "The request cannot be read", said)
        faults = [
            fault
            for place, each in enumerate(sent)
            for fault in _faults(each, call, "" if single else f"/events/{place}")
        ]
        if faults:
            said = f"{len(faults)} things are wrong in {len(sent)} events. {faults[0].detail}"
            raise ProblemError(422, "Nothing was recorded", said, faults)
        filling = _Filling(call, once)
        events = [filling.event(each, place) for place, each in enumerate(sent)]
        placed = self._append(events, once=once is not None or any(each.id for each in sent))
        told = self._told(events, placed, proof=call.values.get("proof", single))
        return reply(told, 201 if any(place.new for place in placed) else 200)

    def _append(self, events: list[Event], *, once: bool) -> list[Placed]:
        """Raises ProblemError, LogError."""
        for left in reversed(range(TRIES)):
            try:
                if once:
                    return self._log.append_once(events, _same)
                return [Placed(seq, new=True) for seq in self._log.append(events)]
            except ConflictError:
                if not left:
                    raise
            except TakenError as error:
                raise ProblemError(409, "Another event has this id", str(error)) from error
            except EventError as error:
                fault = Fault(str(error), f"/{error.field}")
                raise ProblemError(422, "Nothing was recorded", str(error), [fault]) from error
        raise AssertionError("unreachable")

    def _told(self, events: list[Event], placed: list[Placed], *, proof: bool) -> PlacedEvents:
        prover = self._log.prover() if proof else None
        told = []
        for event, place in zip(events, placed, strict=True):
            text = str(prover.proof(place.seq, self._log.line(place.seq))) if prover else None
            told.append(PlacedEvent(place.seq, event.id, place.new, text))
        return PlacedEvents(told)


def _sent(body: bytes) -> tuple[list[Sent], bool]:
    """The events of a body, and whether it is one by itself. Raises ProblemError with every one that is wrong."""
    try:
        return _SEVERAL.decode(body).events, False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # a single one; or all that is wrong is to be told
    several = decode(body, _Loose).events
    if several is None:
        return [decode(body, Sent)], True
    faults = []
    for place, raw in enumerate(several[:MAX_EVENTS]):
        try:
            decode(raw, Sent)
        except ProblemError as error:
            faults += [
                fault._replace(pointer=f"/events/{place}{fault.pointer or ''}")
                for fault in error.errors or [Fault(error.detail)]
            ]
    if not faults:  # it is not in the events
        decode(body, SentEvents)
    said = f"{len(faults)} of {len(several)} events are not as expected."
    raise ProblemError(422, "Nothing was recorded", said, faults)


class _Loose(msgspec.Struct):
    """Enough to tell which of several events are wrong."""

    events: list[msgspec.Raw] | None = None


_SEVERAL = msgspec.json.Decoder(SentEvents)
_canonical = msgspec.json.Encoder(order="deterministic").encode


class _Filling:
    """What is missing in the events of one request; with an Idempotency-Key the same event has the same id each time.

    What is sent again is known by a hash of what was sent: of the body, or of an event that has an id of its own.
    """

    def __init__(self, call: Call, once: str | None) -> None:
        self._key = call.key
        self._now = datetime.now(UTC)
        self._at, self._source = (self._now, chance.token_hex(16)) if once is None else (EPOCH, f"{call.key.id} {once}")
        self._sent = None if once is None else hashlib.sha256(call.body).hexdigest()[:32]
        self._actor = call.key.actor
        self._own = None if call.key.organization is None else Organization(call.key.organization)

    def event(self, sent: Sent, place: int) -> Event:
        """Raises ProblemError."""
        said = {"api_key": self._key.id}
        if self._sent is not None or sent.id is not None:
            said["sent"] = self._sent or hashlib.sha256(_canonical(sent)).hexdigest()[:32]
        try:
            changes = {name: _change(change) for name, change in sent.changes.items()}
            metadata = _exact(sent.metadata) | said if sent.metadata else said
        except RecursionError as error:
            raise ProblemError(422, "Nothing was recorded", "A value is nested too deeply.") from error
        return Event(
            action=sent.action,
            operation=sent.operation or _operation(sent),
            entity=sent.entity,
            occurred_at=sent.occurred_at or self._now,
            actor=sent.actor or self._actor,
            id=sent.id or derive_id(self._at, self._source, str(place)),
            organization=sent.organization or self._own,
            changes=changes,
            outcome=sent.outcome,
            reason=sent.reason,
            context=_context(sent.context),
            metadata=metadata,
        )


_BY_API = Context(source="api")


def _context(sent: SentContext | None) -> Context:
    """Of the log's own type: which of its keys stand in the line depends on that."""
    if sent is None:
        return _BY_API
    return Context(
        source=sent.source or "api", ip=sent.ip, user_agent=sent.user_agent, request_id=sent.request_id,
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


def _faults(sent: Sent, call: Call, under: str) -> Iterator[Fault]:
    """What the types allow, and this key, or nobody, may send."""
    own, given = call.organization, sent.organization
    if own is not None and given is not None and given.id != own:
        yield Fault(f"This key records for the organization {own!r} alone.", f"{under}/organization/id")
    for name in OURS & sent.metadata.keys() if sent.metadata else ():
        yield Fault(f"{name!r} is what capture says. Choose another name.", f"{under}/metadata/{name}")


def _same(known: Entry | Event, event: Event) -> bool:
    """What was sent again, for whom it was sent. Anything else is another event, of which nothing is told."""
    theirs, ours = known.organization, event.organization
    same = known.metadata.get("sent") == event.metadata["sent"]
    return same and (theirs and theirs.id) == (ours and ours.id)
