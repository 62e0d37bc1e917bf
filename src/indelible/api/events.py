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
from indelible.api.wire import MAX_EVENTS, Change, PlacedEvent, PlacedEvents, Sent, SentEvents
from indelible.errors import ConflictError, EventError, TakenError
from indelible.event import EPOCH, Context, Entry, Event, Organization, derive_id
from indelible.group import Placed
from indelible.log import Log
from indelible.values import EXACT

OURS = ("api_key", "database", "row", "sent", "set_aside", "statement", "table", "was")  # what capture says in metadata
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
        body = hashlib.sha256(call.body).hexdigest() if once is not None else None
        now, faults = datetime.now(UTC), list[Fault]()
        events = [_event(each, place, call, now, (once, body)) for place, each in enumerate(sent)]
        for place, event in enumerate(events):
            faults += _faults(sent[place], event, call, "" if single else f"/events/{place}")
        if faults:
            said = f"{len(faults)} things are wrong in {len(sent)} events. {faults[0].detail}"
            raise ProblemError(422, "Nothing was recorded", said, faults)
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


def _event(sent: Sent, place: int, call: Call, now: datetime, once: tuple[str | None, str | None]) -> Event:
    """What is missing is filled in; with an Idempotency-Key the same event has the same id each time.

    `once`: that, and a hash of the body that it is of. What is sent again is known by the hash of what was sent.
    """
    key, (again, body) = call.key, once
    organization: Organization | None = sent.organization
    if key.organization is not None and organization is None:
        organization = Organization(key.organization)
    said = {"api_key": key.id}
    if body is not None or sent.id is not None:
        said["sent"] = (body or hashlib.sha256(_canonical(sent)).hexdigest())[:32]
    id_ = derive_id(now, chance.token_hex(16)) if again is None else derive_id(EPOCH, key.id, again, str(place))
    try:
        changes = {name: {side: _exact(value) for side, value in _sides(each)} for name, each in sent.changes.items()}
        metadata = _exact(sent.metadata)
    except RecursionError as error:
        raise ProblemError(422, "Nothing was recorded", "A value is nested too deeply.") from error
    return Event(
        action=sent.action,
        operation=sent.operation or _operation(sent),
        entity=sent.entity,
        occurred_at=sent.occurred_at or now,
        actor=sent.actor or key.actor,
        id=sent.id or id_,
        organization=organization,
        changes=changes,
        outcome=sent.outcome,
        reason=sent.reason,
        context=_context(sent),
        metadata=metadata | said,
    )


def _context(sent: Sent) -> Context:
    """Of the log's own type: which of its keys stand in the line depends on that."""
    given = msgspec.structs.asdict(sent.context) if sent.context else {}
    return Context(**(given | {"source": given.get("source") or "api"}))


def _operation(sent: Sent) -> str:
    """What the action's last word says, where it says it."""
    return {"CREATED": "create", "UPDATED": "update", "DELETED": "delete"}.get(sent.action.rpartition("_")[2], "act")


def _sides(change: Change) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name in Change.__struct_fields__ if (value := getattr(change, name)) is not UNSET)


def _exact(value: Any) -> Any:
    """Readers of JSON would round a larger integer: it is a text, as a database's are."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    return [_exact(each) for each in value] if isinstance(value, list) else value


def _faults(sent: Sent, event: Event, call: Call, under: str) -> list[Fault]:
    """What no entry may carry, or not by this key."""
    faults = []
    try:
        event.check()
    except EventError as error:
        faults.append(Fault(str(error), f"{under}/{error.field}"))
    own, given = call.organization, event.organization
    if own is not None and given is not None and given.id != own:
        faults.append(Fault(f"This key records for the organization {own!r} alone.", f"{under}/organization/id"))
    faults += [
        Fault(f"{name!r} is what capture says. Choose another name.", f"{under}/metadata/{name}")
        for name in OURS
        if name in sent.metadata
    ]
    return faults


def _same(known: Entry | Event, event: Event) -> bool:
    """What was sent again, for whom it was sent. Anything else is another event, of which nothing is told."""
    theirs, ours = known.organization, event.organization
    same = known.metadata.get("sent") == event.metadata["sent"]
    return same and (theirs and theirs.id) == (ours and ours.id)
