"""Events that programs record."""

import secrets as chance
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from indelible.api.operation import Answer, Call, Operation, Parameter, decode, fault_of, reply
from indelible.api.problems import Fault, ProblemError
from indelible.api.wire import MAX_EVENTS, Change, PlacedEvent, PlacedEvents, Sent, SentEvents
from indelible.errors import ConflictError, EventError
from indelible.event import EPOCH, Context, Entry, Event, Organization, derive_id
from indelible.group import Placed
from indelible.log import Log
from indelible.values import EXACT

OURS = ("api_key", "database", "row", "set_aside", "statement", "table", "was")  # what capture says in metadata
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
            raise ProblemError(
                400, "The request cannot be read", f"Idempotency-Key has 1 to {MAX_KEY} printable characters."
            )
        now, faults = datetime.now(UTC), list[Fault]()
        events = [_event(each, place, call, now, once) for place, each in enumerate(sent)]
        for place, event in enumerate(events):
            faults += _faults(event, call, "" if single else f"/events/{place}")
        if faults:
            raise ProblemError(
                422, "Nothing was recorded", f"{len(faults)} of {len(sent)} cannot be: {faults[0].detail}", faults
            )
        placed = self._append(events, once is not None or any(each.id for each in sent))
        self._check_same(events, placed)
        return reply(
            self._told(events, placed, proof=call.values.get("proof", single)),
            201 if any(p.new for p in placed) else 200,
        )

    def _append(self, events: list[Event], once: bool) -> list[Placed]:  # noqa: FBT001 - of this class alone
        for left in reversed(range(TRIES)):
            try:
                if once:
                    return self._log.append_once(events)
                return [Placed(seq, new=True) for seq in self._log.append(events)]
            except ConflictError:
                if not left:
                    raise
            except EventError as error:
                fault = Fault(str(error), f"/{error.field}")
                raise ProblemError(422, "Nothing was recorded", str(error), [fault]) from error
        raise AssertionError("unreachable")

    def _check_same(self, events: list[Event], placed: list[Placed]) -> None:
        """What was there already is what was sent now: an id is not used for another event. Raises ProblemError."""
        for event, place in zip(events, placed, strict=True):
            if place.new:
                continue
            if not _same(self._log.entry(place.seq), event):
                said = f"Entry {place.seq} has this id, or was sent with this Idempotency-Key, and is another event."
                raise ProblemError(409, "Another event has this id", said)

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
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, "The body is no JSON", f"{error}.") from error
    if not (several := decode(body, _Loose)).events:
        return [decode(body, Sent)], True
    if len(several.events) > MAX_EVENTS:
        said = f"{len(several.events)} events were sent; up to {MAX_EVENTS} go together."
        raise ProblemError(422, "Nothing was recorded", said, [Fault(said, "/events")])
    faults = []
    for place, raw in enumerate(several.events):
        try:
            msgspec.json.decode(raw, type=Sent)
        except msgspec.ValidationError as error:
            faults.append(fault_of(error, f"/events/{place}"))
    raise ProblemError(
        422, "Nothing was recorded", f"{len(faults)} of {len(several.events)} events are not as expected.", faults
    )


class _Loose(msgspec.Struct):
    """Enough to tell which of several events are wrong."""

    events: list[msgspec.Raw] | None = None


_SEVERAL = msgspec.json.Decoder(SentEvents)


def _event(sent: Sent, place: int, call: Call, now: datetime, once: str | None) -> Event:
    """What is missing is filled in; with an Idempotency-Key the same event has the same id each time."""
    key = call.key
    source = (key.id, once, str(place)) if once is not None else (chance.token_hex(16), str(place))
    at = sent.occurred_at or (EPOCH if once is not None else now)
    organization = sent.organization
    if key.organization is not None and organization is None:
        organization = Organization(key.organization)
    return Event(
        action=sent.action,
        operation=sent.operation or _operation(sent),
        entity=sent.entity,
        occurred_at=sent.occurred_at or now,
        actor=sent.actor or key.actor,
        id=sent.id or derive_id(at, *source),
        organization=organization,
        changes={name: _spelled(change) for name, change in sent.changes.items()},
        outcome=sent.outcome,
        reason=sent.reason,
        context=sent.context or Context(source="api"),
        metadata=sent.metadata | {"api_key": key.id},
    )


def _operation(sent: Sent) -> str:
    """What the action's last word says, where it says it."""
    return {"CREATED": "create", "UPDATED": "update", "DELETED": "delete"}.get(sent.action.rpartition("_")[2], "act")


def _spelled(change: Change) -> dict[str, Any]:
    return {name: _exact(value) for name in Change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}


def _exact(value: Any) -> Any:
    """Readers of JSON would round a larger integer: it is a text, as a database's are."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    return [_exact(each) for each in value] if isinstance(value, list) else value


def _faults(event: Event, call: Call, under: str) -> list[Fault]:
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
        if name in event.metadata and (name, event.metadata[name]) != ("api_key", call.key.id)
    ]
    return faults


def _same(entry: Entry, event: Event) -> bool:
    """As far as what is set aside, and the moment that was filled in, let that be told."""
    first, second = (
        (each.action, each.operation, each.entity, each.outcome, each.reason, set(each.changes))
        for each in (entry, event)
    )
    return first == second
