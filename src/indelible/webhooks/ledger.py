"""What lanes have to write down, written together: one transaction for all that came in meanwhile.

Killed before it: those attempts are made again, with the same message ids. Nothing is lost, since a cursor is written
in the transaction of all that lies before it.
"""

import asyncio
import logging
from collections.abc import Callable

from indelible.errors import Error
from indelible.webhooks.deliveries import Deliveries, Health, Result

logger = logging.getLogger(__name__)

MOST = 4096  # results that wait to be written; lanes stand still beyond it
PAUSE = 1.0  # seconds, after a transaction that failed
GATHER = 0.05  # seconds, for more to come in: a transaction costs the same for one as for hundreds
IDLE = 1.0  # seconds between two looks at cursors that moved without a delivery

Cursors = Callable[[], dict[str, int]]  # endpoint to the number before which all is settled


class Ledger:
    """`run` in a task; `close` writes the rest."""

    def __init__(self, deliveries: Deliveries, cursors: Cursors) -> None:
        self._deliveries = deliveries
        self._cursors = cursors
        self._results: list[Result] = []
        self._writing: list[Result] = []
        self._health: dict[str, Health] = {}
        self._written: dict[str, int] = {}
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, result: Result) -> None:
        self._results.append(result)
        self._news.set()
        if len(self._results) >= MOST:
            self._room.clear()

    def unwritten(self, endpoint: str) -> set[str]:
        """Messages whose last attempt is not in the table yet."""
        every = (*self._results, *self._writing)
        return {each.delivery.message for each in every if each.endpoint == endpoint}

    def health(self, endpoint: str, health: Health) -> None:
        self._health[endpoint] = health

    async def room(self) -> None:
        """While the disk does not keep up, nothing more is attempted."""
        await self._room.wait()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    await self._news.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER)
            try:
                await self.write()
            except Error as error:
                logger.error("Deliveries cannot be written down, and will be: %s", error)  # noqa: TRY400 - one sentence
                await asyncio.sleep(PAUSE)

    async def write(self) -> None:
        """All that is there. What fails is kept. Raises LogError."""
        results, health = self._results, self._health
        cursors = {id_: at for id_, at in self._cursors().items() if self._written.get(id_) != at}
        self._results, self._health, self._writing = [], {}, results
        self._news.clear()
        if not results and not health and not cursors:
            return
        try:
            await asyncio.to_thread(self._deliveries.write, results, cursors, health)
        except BaseException:
            self._results, self._health = results + self._results, health | self._health
            self._news.set()
            raise
        finally:
            self._writing = []
        self._written |= cursors
        if len(self._results) < MOST:
            self._room.set()
