"""Events that programs record."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from starlette.responses import Response

from indelible.api.operation import Answer, Call, Operation, Parameter, decode, faults_in, reply
from indelible.api.problems import Fault, ProblemError
from indelible.api.wire import PlacedEvent, PlacedEvents
from indelible.errors import ConflictError, EventError, TakenError
from indelible.event import Event, seal
from indelible.group import Placed
from indelible.log import Log
from indelible.sent import MAX_EVENTS, Again, Filling, Sent, SentEvents, reserved, same

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
            fault for place, each in enumerate(sent) for fault in _faults(each, call, _under(place, single=single))
        ]
        if faults:
            said = f"{len(faults)} things are wrong in {len(sent)} events. {faults[0].detail}"
            raise ProblemError(422, "Nothing was recorded", said, faults)
        key = call.key
        filling = Filling(
            key.actor, {"api_key": key.id}, source="api", organization=key.organization,
            again=None if once is None else Again(f"{key.id} {once}", hashlib.sha256(call.body).hexdigest()),
        )  # fmt: skip
        events = _filled(filling, sent, single=single)
        placed = self._append(events, single=single, once=once is not None or any(each.id for each in sent))
        told = self._told(events, placed, proof=call.values.get("proof", single))
        return reply(told, 201 if any(place.new for place in placed) else 200)

    def _append(self, events: list[Event], *, single: bool, once: bool) -> list[Placed]:
        """Raises ProblemError, LogError."""
        for left in reversed(range(TRIES)):
            try:
                if once:
                    return self._log.append_once(events, same)
                return [Placed(seq, new=True) for seq in self._log.append(events)]
            except ConflictError:
                if not left:
                    raise
            except TakenError as error:
                raise ProblemError(409, "Another event has this id", str(error)) from error
            except EventError as error:
                faults = list(_unfit(events, single=single))
                raise ProblemError(422, "Nothing was recorded", str(error), faults) from error
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
        if faults := faults_in(body, Sent):
            raise ProblemError(422, "Nothing was recorded", faults[0].detail, faults)
        return [decode(body, Sent)], True
    faults = [f for place, raw in enumerate(several[:MAX_EVENTS]) for f in faults_in(raw, Sent, f"/events/{place}")]
    if not faults:  # it is not in the events
        decode(body, SentEvents)
    said = f"{len(faults)} things are wrong in {len(several)} events. {faults[0].detail}"
    raise ProblemError(422, "Nothing was recorded", said, faults)


class _Loose(msgspec.Struct):
    """Enough to tell which of several events are wrong."""

    events: list[msgspec.Raw] | None = None


_SEVERAL = msgspec.json.Decoder(SentEvents)


def _filled(filling: Filling, sent: list[Sent], *, single: bool) -> list[Event]:
    """Raises ProblemError with every one that no entry holds."""
    events, faults = [], []
    for place, each in enumerate(sent):
        try:
            events.append(filling.event(each, str(place)))
        except EventError as error:
            faults.append(_fault_of(error, _under(place, single=single)))
    if faults:
        raise ProblemError(422, "Nothing was recorded", faults[0].detail, faults)
    return events


def _unfit(events: list[Event], *, single: bool) -> Iterator[Fault]:
    """Those that were refused as they were appended: which, is looked for then alone."""
    for place, event in enumerate(events):
        try:
            event.check()
            seal(event, 0)
        except EventError as error:
            yield _fault_of(error, _under(place, single=single))


def _fault_of(error: EventError, under: str) -> Fault:
    return Fault(str(error), under if error.field == "event" else f"{under}/{error.field}")


def _under(place: int, *, single: bool) -> str:
    """Where an event stands in the body."""
    return "" if single else f"/events/{place}"


def _faults(sent: Sent, call: Call, under: str) -> Iterator[Fault]:
    """What the types allow, and this key, or nobody, may send."""
    own, given = call.organization, sent.organization
    if own is not None and given is not None and given.id != own:
        yield Fault(f"This key records for the organization {own!r} alone.", f"{under}/organization/id")
    for name in reserved(sent):
        yield Fault(f"{name!r} is what capture says. Choose another name.", f"{under}/metadata/{name}")
