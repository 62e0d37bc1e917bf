"""Delivers, in a thread of the server: a lane for each endpoint that is active.

In one process only, however many serve: it holds a lock that ends with it, and the next one goes on from the cursors.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from indelible.background import Hold
from indelible.errors import Error
from indelible.follow import LOOK
from indelible.log import Log
from indelible.webhooks import lane
from indelible.webhooks.client import SECONDS, Client
from indelible.webhooks.deliveries import Deliveries
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.endpoints import Endpoints
from indelible.webhooks.guard import Network
from indelible.webhooks.lane import WIDTH, Lane, Tools
from indelible.webhooks.ledger import Ledger
from indelible.webhooks.reading import Reading
from indelible.work.announcements import settle
from indelible.work.letters import Letter, write_letter
from indelible.work.promise import Statements, Work

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks at the endpoints, which other processes may change
PAUSE = 1.0  # seconds, where somebody else delivers, or nobody can


class Deliverer:
    """A thread. What it is to do differently (`width`, `seconds`) is for tests and benchmarks."""

    def __init__(  # noqa: PLR0913 - see above
        self,
        log: Log,
        work: Work,
        endpoints: Endpoints,
        *,
        allowed: Sequence[Network] = (),
        pages: str = "",
        width: int = WIDTH,
        seconds: float = SECONDS,
    ) -> None:
        self._log = log
        self._work = work
        self._endpoints = endpoints
        self._deliveries = Deliveries(work)
        self._pages = pages
        self._width = width
        self._client: Callable[[], Client] = lambda: Client(allowed, seconds=seconds)
        self._lanes: dict[str, tuple[Lane, asyncio.Task[None]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poked = asyncio.Event()  # made anew in each loop, as the other one
        self._news = asyncio.Event()
        self._putting_off: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),), name="indelible-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Requests that are under way have moments to end; the rest goes on with the next start."""
        self._stopped.set()
        self.look()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Endpoints changed, or the log grew: from whichever thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._poked.set)

    async def _run(self) -> None:
        self._poked, self._news, self._loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
        with self._log.followed(self._grew):
            while not self._stopped.is_set():
                try:
                    signs = await asyncio.to_thread(self._endpoints.signs)  # else another process may: it has the key
                    hold = await asyncio.to_thread(self._work.hold, "webhooks") if signs else None
                    if hold is not None:
                        await self._deliver(hold)
                except Error as error:
                    logger.error("Webhooks cannot be delivered, and will be: %s", error)  # noqa: TRY400 - one sentence
                except Exception:
                    logger.exception("Webhooks cannot be delivered, and will be")
                await self._wait(PAUSE)
        self._loop = None

    async def _deliver(self, hold: Hold) -> None:
        """Until the server stops, or the hold is lost."""
        ledger = Ledger(self._deliveries, self._cursors)
        reading = Reading(self._log, self._pages)
        try:
            async with (
                self._client() as client,
                _task(ledger.run()),
                _task(self._watch(reading)),
                _task(self._remind()),
            ):
                tools = Tools(client, reading, self._deliveries, ledger, self._endpoints.secrets, self._disable)
                try:
                    while not self._stopped.is_set() and await asyncio.to_thread(self._may, hold):
                        await self._keep(tools)
                        await self._wait(EVERY)
                finally:
                    await self._end(list(self._lanes), ledger)
        finally:
            self._lanes.clear()
            hold.release()

    async def _keep(self, tools: Tools) -> None:
        """The lanes are those of the active endpoints. One that failed begins anew."""
        await asyncio.to_thread(self._settle)
        active = {each.id: each for each in await asyncio.to_thread(self._endpoints.all) if each.state == "active"}
        ended = [id_ for id_, (_, task) in self._lanes.items() if task.done() or id_ not in active]
        if ended:
            await self._end(ended, tools.ledger)
            self._poked.set()  # what they wrote down is read before they begin anew
        for id_, endpoint in active.items():
            if id_ in self._lanes:
                self._lanes[id_][0].endpoint = endpoint
            elif not ended:
                lane = Lane(endpoint, tools, self._width)
                self._lanes[id_] = (lane, asyncio.create_task(lane.run()))

    def _may(self, hold: Hold) -> bool:
        return hold.kept() and self._endpoints.signs()

    def _settle(self) -> None:
        """What was announced while the log took nothing. It does not keep others from being delivered."""
        try:
            settle(self._work, self._log)
        except Error as error:
            logger.error("What was done to webhooks is not on record yet, and will be: %s", error)  # noqa: TRY400

    async def _end(self, ids: Sequence[str], ledger: Ledger) -> None:
        """What they came to is written down; then they are forgotten."""
        lanes = [self._lanes[id_] for id_ in ids]
        await asyncio.gather(*(lane.stop() for lane, _ in lanes))
        for _, task in lanes:
            task.cancel()  # it may wait for a disk that is full
        for failed in await asyncio.gather(*(task for _, task in lanes), return_exceptions=True):
            if isinstance(failed, Exception):
                logger.error("A webhook's deliveries were interrupted, and go on: %s", failed)
        await ledger.write()
        for id_ in ids:
            del self._lanes[id_]

    async def _watch(self, reading: Reading) -> None:
        """Wake the lanes when more is signed: by this process, which says so, or by others."""
        while True:
            self._news.clear()
            try:
                if await reading.grown():
                    for lane, _ in self._lanes.values():
                        lane.wake()
            except Error as error:
                logger.error("The log cannot be followed, and will be: %s", error)  # noqa: TRY400 - one sentence
            await _within(self._news, LOOK)

    async def _remind(self) -> None:
        """Wake the lanes that have something due again."""
        while True:
            try:
                for id_ in await asyncio.to_thread(self._deliveries.endpoints_due, time.time_ns() // 1000):
                    if id_ in self._lanes:
                        self._lanes[id_][0].wake_for_due()
            except Error as error:
                logger.error("What is due again cannot be looked up, and will be: %s", error)  # noqa: TRY400
            await asyncio.sleep(lane.LOOK)

    async def _wait(self, seconds: float) -> None:
        """Or until somebody says that there is something to look at."""
        if not self._stopped.is_set():
            await _within(self._poked, seconds)
        self._poked.clear()

    def _grew(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._news.set)

    def _cursors(self) -> dict[str, int]:
        return {id_: lane.cursor for id_, (lane, _) in self._lanes.items()}

    def _disable(self, endpoint: str, reason: str) -> None:
        task = asyncio.create_task(asyncio.to_thread(self._put_off, endpoint, reason))
        self._putting_off.add(task)
        task.add_done_callback(self._putting_off.discard)

    def _put_off(self, endpoint: str, reason: str) -> None:
        """Where that fails the lane begins anew, and its next failure tries again."""
        try:
            self._endpoints.disable(endpoint, reason, _tell_owners)
        except Error as error:
            logger.error("The webhook %s cannot be disabled: %s", endpoint, error)  # noqa: TRY400 - one sentence
        self.look()


def _tell_owners(statements: Statements, endpoint: Endpoint) -> None:
    """Who gave no address is told by the page and the log alone."""
    if endpoint.contact:
        plain = (
            f"The webhook to {endpoint.name} was switched off.\n\n{endpoint.reason}\n\n"
            "Nothing is lost: once it is switched on again, it goes on from where it stopped.\n"
        )
        letter = Letter(
            id=f"{endpoint.id} disabled {endpoint.cursor} {time.time_ns()}",
            recipient=endpoint.contact,
            subject=f"Webhook switched off: {endpoint.name}",
            plain=plain,
        )
        write_letter(statements, letter, time.time_ns() // 1000)


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Beside the block, and no longer."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
