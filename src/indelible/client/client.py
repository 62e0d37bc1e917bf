"""What programs use: `record` returns when the event is on this machine's disk; a thread brings it to the log."""

import asyncio
import logging
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import msgspec

from indelible.client.spool import Spool, Waiting
from indelible.client.wire import REMEDY, ApiError, Wire
from indelible.errors import EventError, UsageError
from indelible.event import Actor, Context, Entity, Organization, derive_id, rfc3339
from indelible.sent import Sent, check_depth, reserved, wrong

logger = logging.getLogger(__name__)

BATCH = 500  # events of a request
LONGEST = 60.0  # seconds between two tries
LOOK = 1.0  # seconds until what another process put into the spool is seen
TIMEOUT = 30.0  # seconds for an answer


class Recorded(NamedTuple):
    """Where an event stands in the log, and what proves it (c2sp.org/tlog-proof), if that was asked for."""

    seq: int
    id: str
    new: bool
    proof: str | None = None


class Client:
    """Threads share it. Without a spool, `send` is what there is."""

    def __init__(self, url: str, key: str, *, spool: str | Path | None = None, timeout: float = TIMEOUT) -> None:
        """`url`: of the API, as https://audit.acme.test/api/v1. Raises UsageError, LogError."""
        self._wire = Wire(url, key, timeout)
        self._spool = Spool(Path(spool)) if spool is not None else None
        self._wake, self._stopped, self._idle = threading.Event(), threading.Event(), threading.Condition()
        self.failure: str | None = None  # why what waits is not sent
        self._thread: threading.Thread | None = None
        if self._spool is not None:
            self._thread = threading.Thread(target=self._run, args=(self._spool,), name="indelible-client", daemon=True)
            self._thread.start()

    def record(  # noqa: PLR0913 - an event is just these
        self,
        action: str,
        entity: Entity,
        *,
        actor: Actor | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        organization: Organization | None = None,
        operation: str | None = None,
        outcome: str = "success",
        reason: str | None = None,
        context: Context | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """On the disk when this returns, whatever the server does; gives its id.

        Raises UsageError, EventError for what is no event, LogError where the disk refuses.
        """
        if self._spool is None:
            raise UsageError("record() keeps events until the server has them: give the client spool='audit.spool'.")
        now = datetime.now(UTC)
        id_ = derive_id(now, os.urandom(16).hex())
        told = {
            "id": str(id_), "action": action, "entity": entity, "occurred_at": rfc3339(now), "actor": actor,
            "changes": changes, "organization": organization, "operation": operation, "outcome": outcome,
            "reason": reason, "context": context, "metadata": metadata,
        }  # fmt: skip
        event = {name: value for name, value in told.items() if value is not None}
        self._spool.put(_checked(event).decode())
        self._wake.set()
        return str(id_)

    def send(self, events: Sequence[Mapping[str, Any]], *, proof: bool = False) -> list[Recorded]:
        """Record these now: sealed and signed when this returns. Raises ApiError.

        An event that has an `id` of its own can be sent again.
        """
        body = msgspec.json.encode({"events": events})
        answer = self._wire.ask("POST", f"/events?proof={'true' if proof else 'false'}", _Answer, body)
        return [Recorded(each.seq, each.id, each.new, each.proof) for each in answer.events]

    def search(self, query: str = "", *, since: str = "", until: str = "") -> Iterator[dict[str, Any]]:
        """Entries, newest first, as many as are asked for. Raises ApiError."""
        asked, cursor = {"q": query, "since": since, "until": until, "limit": "200"}, ""
        while True:
            given = {name: value for name, value in (asked | {"cursor": cursor}).items() if value}
            page = self._wire.ask("GET", f"/events?{urlencode(given)}", _Page)
            yield from page.entries
            if page.next is None:
                return
            cursor = page.next

    def pending(self) -> int:
        """Events that the server does not have yet."""
        return self._spool.pending() if self._spool else 0

    def refused(self) -> list[tuple[str, str]]:
        """(event, why) of those that the server will never take."""
        return self._spool.refused() if self._spool else []

    def flush(self, seconds: float = TIMEOUT) -> bool:
        """Wait until the server has all of them; False: it did not within so long, or will never take one of them."""
        end, before = time.monotonic() + seconds, len(self.refused())
        self._wake.set()
        with self._idle:
            while self.pending():
                if not self._idle.wait(min(0.2, max(0.0, end - time.monotonic()))) and time.monotonic() >= end:
                    return False
        return len(self.refused()) == before

    def close(self) -> None:
        """What waits is sent by the next one that opens the spool."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._wire.close()
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, spool: Spool) -> None:
        tries = 0
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                with spool.sending() as may:
                    while may and not self._stopped.is_set() and self._send_some(spool):
                        tries = 0
                self.failure, pause = None, LOOK
            except ApiError as error:
                tries += 1
                pause = max(error.again or 0.0, random.uniform(0.5, 1) * min(LONGEST, 2.0 ** min(tries, 10) / 4))  # noqa: S311
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever one pass meets
                pause = LONGEST
                self._fail(f"unexpected {type(error).__name__}: {error}")
            with self._idle:
                self._idle.notify_all()
            (self._stopped if self.failure else self._wake).wait(pause)

    def _fail(self, why: str) -> None:
        if self.failure is None:
            logger.error("Events wait in the spool and will be sent: %s", why)
        self.failure = why

    def _send_some(self, spool: Spool) -> bool:
        """False: there was nothing. Raises ApiError for what is to be tried again."""
        some = spool.oldest(BATCH)
        if some:
            self._send_all(spool, some)
        return bool(some)

    def _send_all(self, spool: Spool, some: list[Waiting]) -> None:
        """Of some that are refused those that are named are set aside; where none is named, each is tried alone."""
        body = b'{"events":[' + ",".join(event for _, event in some).encode() + b"]}"
        try:
            answer = self._wire.ask("POST", "/events", _Answer, body)
        except ApiError as error:
            if not error.final:  # a key, an address or a server can be mended; nothing is lost meanwhile
                raise
            if len(some) == 1:
                _set_aside(spool, some[0], str(error))
                return
            named = _named(error.problem, len(some))
            for place, why in named.items():
                _set_aside(spool, some[place], why)
            for each in some if not named else ():
                self._send_all(spool, [each])
            return  # those that were not named come with the next ones
        if [each.id for each in answer.events] != [msgspec.json.decode(event)["id"] for _, event in some]:
            raise ApiError(200, f"these events were not what was recorded. {REMEDY}", {}, 0.0)
        spool.drop([number for number, _ in some])


class _Placed(msgspec.Struct):
    seq: int
    id: str
    new: bool
    proof: str | None = None


class _Answer(msgspec.Struct):
    """To events that were sent."""

    events: list[_Placed]


class _Page(msgspec.Struct):
    entries: list[dict[str, Any]]
    next: str | None


def _checked(event: Mapping[str, Any]) -> bytes:
    """As JSON. What the log would never take is told to whoever records it, while they can mend it."""
    try:
        raw = msgspec.json.encode(event)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EventError("event", f"it holds what JSON cannot carry: {error}.") from error
    for field, why in wrong(raw):
        raise EventError(field or "event", f"{why}.")
    sent = msgspec.json.decode(raw, type=Sent)
    check_depth(sent)
    for name in reserved(sent):
        raise EventError("metadata", f"{name!r} is what capture says. Choose another name.")
    return raw


def _set_aside(spool: Spool, event: Waiting, why: str) -> None:
    logger.error("An event is kept aside in the spool: the log will never take it. %s", why)
    spool.set_aside(event[0], why)


def _named(problem: Mapping[str, Any], count: int) -> dict[int, str]:
    """The events that a problem names, of as many as were sent, by their place."""
    places, found = {str(place): place for place in range(count)}, {}
    errors = problem.get("errors")
    for fault in errors if isinstance(errors, list) else ():
        told = fault if isinstance(fault, dict) else {}
        parts = str(told.get("pointer")).split("/")
        if parts[:2] == ["", "events"] and len(parts) > 2 and parts[2] in places:  # noqa: PLR2004 - its place
            found[places[parts[2]]] = f"/{'/'.join(parts[3:])}: {told.get('detail', '')}"
    return found


class AsyncClient:
    """The same, for programs of asyncio: what waits for a disk or the network does so in a thread."""

    def __init__(self, url: str, key: str, *, spool: str | Path | None = None, timeout: float = TIMEOUT) -> None:
        """As `Client`."""
        self._client = Client(url, key, spool=spool, timeout=timeout)

    async def record(self, action: str, entity: Entity, **told: Any) -> str:
        """As `Client.record`."""
        return await asyncio.to_thread(partial(self._client.record, action, entity, **told))

    async def send(self, events: Sequence[Mapping[str, Any]], *, proof: bool = False) -> list[Recorded]:
        """As `Client.send`."""
        return await asyncio.to_thread(partial(self._client.send, events, proof=proof))

    async def search(
        self, query: str = "", *, since: str = "", until: str = "", limit: int = 200
    ) -> list[dict[str, Any]]:
        """The newest `limit`."""

        def found() -> list[dict[str, Any]]:
            return [
                each
                for each, _ in zip(self._client.search(query, since=since, until=until), range(limit), strict=False)
            ]

        return await asyncio.to_thread(found)

    async def flush(self, seconds: float = TIMEOUT) -> bool:
        """As `Client.flush`."""
        return await asyncio.to_thread(self._client.flush, seconds)

    async def close(self) -> None:
        """As `Client.close`."""
        await asyncio.to_thread(self._client.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
