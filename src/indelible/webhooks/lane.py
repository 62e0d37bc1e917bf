"""One endpoint's deliveries, beside all others': what is new, and what is due again.

The lane walks the log. Each entry that fits is attempted at once, `WIDTH` of them at a time; what fails is written down
to be tried again, and the lane goes on. Its cursor is the first entry that is not settled: whatever is killed, what is
before it was delivered or is written down, and what is behind it is looked at again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from indelible.errors import Error
from indelible.webhooks import signing
from indelible.webhooks.client import Client
from indelible.webhooks.deliveries import Attempt, Deliveries, Delivery, Health, Result
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.ledger import Ledger
from indelible.webhooks.outcome import GIVE_UP, Answer, Outcome, judge
from indelible.webhooks.reading import Reading, Stretch
from indelible.webhooks.secret import Secret

WIDTH = 8  # requests at once
DUE = 64  # deliveries asked for at once that are due again
LOOK = 1.0  # seconds between two looks for those
GRACE = 2.0  # seconds that requests have to come to an end when the server stops


_Job = tuple[Delivery, Stretch | None]  # where it is an entry that failed before, it is read by itself


@dataclass(frozen=True)
class Tools:
    """What lanes share."""

    client: Client
    reading: Reading
    deliveries: Deliveries
    ledger: Ledger
    secrets: Callable[[Endpoint, datetime], list[Secret]]
    disable: Callable[[str, str], None]  # an endpoint, and why


class Lane:
    """`run` in a task, until `stop`."""

    def __init__(self, endpoint: Endpoint, tools: Tools, width: int = WIDTH) -> None:
        self._health = Health(endpoint.failing_since, endpoint.rests_until)
        self._endpoint, self._match = endpoint, endpoint.match()
        self._tools = tools
        self._width = width
        self._position = endpoint.cursor  # the next entry to look at
        self._stretch: Stretch | None = None
        self._handled: set[int] = set()
        self._fresh: set[int] = set()  # new entries that are being attempted
        self._running: set[str] = set()  # messages
        self._again: set[str] = set()  # those of them that failed before
        self._workers: set[asyncio.Task[None]] = set()
        self._choosing = asyncio.Lock()
        self._failed: BaseException | None = None
        self._due: deque[Delivery] = deque()
        self._looking: asyncio.Task[None] | None = None
        self._has_due = False
        self._signs: tuple[list[int], list[Secret]] = ([], [])
        self._wake = asyncio.Event()
        self._stopped = False

    @property
    def endpoint(self) -> Endpoint:
        """As it was last seen: requests that are under way still go where it was."""
        return self._endpoint

    @endpoint.setter
    def endpoint(self, endpoint: Endpoint) -> None:
        if endpoint.url != self._endpoint.url:  # who asked to be left alone was another receiver
            self._health = self._health._replace(rests_until=endpoint.rests_until)
        self._endpoint, self._match = endpoint, endpoint.match()

    @property
    def cursor(self) -> int:
        """Every entry before it was delivered, or is written down."""
        return min(self._fresh, default=self._position)

    def wake(self) -> None:
        self._wake.set()

    def wake_for_due(self) -> None:
        """Something is due again: whoever keeps the lanes looks for all of them."""
        self._has_due = True
        self._wake.set()

    async def run(self) -> None:
        self._handled = await asyncio.to_thread(self._tools.deliveries.handled, self.endpoint.id, self._position)
        while not self._stopped:
            self._wake.clear()
            await self._begin()
            if self._failed is not None:
                raise self._failed
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()

    async def stop(self) -> None:
        """What is under way may end; what does not is attempted again by whoever delivers next."""
        self._stopped = True
        self._wake.set()
        if self._looking is not None:
            self._looking.cancel()
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _begin(self) -> None:
        """As many workers as there is work for, up to the lane's width."""
        while len(self._workers) < self._width and (job := await self._next()) is not None:
            worker = asyncio.create_task(self._work(job))
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    async def _work(self, job: _Job | None) -> None:
        """One delivery after the other, while there are any: a task for each would cost half of a delivery."""
        while job is not None:
            await self._deliver(*job)
            job = await self._next()

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """What nobody expected ends the lane: whoever keeps the lanes begins it anew, at its cursor."""
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._failed = error
            self._wake.set()

    async def _next(self) -> _Job | None:
        """Half of the lane at most is for what failed before, if there is news."""
        await self._tools.ledger.room()
        async with self._choosing:
            if self._stopped or _now() < self._health.rests_until:
                return None
            job = self._next_due() if len(self._again) < self._width // 2 else None
            job = job or await self._next_fresh() or self._next_due()
            if job is not None:
                self._running.add(job[0].message)
                if job[1] is None:
                    self._again.add(job[0].message)
            return job

    def _next_due(self) -> _Job | None:
        """The table is asked beside: what is new must not wait for a disk that somebody else writes to."""
        if not self._due and self._looking is None and self._has_due:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        return (self._due.popleft(), None) if self._due else None

    async def _look(self) -> None:
        # What the table does not know yet: being attempted, or attempted and not written down.
        busy = self._running | self._tools.ledger.unwritten(self.endpoint.id)
        found = await asyncio.to_thread(self._tools.deliveries.due, self.endpoint.id, _now(), DUE)
        self._due.extend(each for each in found if each.message not in busy)
        self._has_due = len(found) == DUE  # there may be more
        if self._due:
            self._wake.set()

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        self._ended(task)

    async def _next_fresh(self) -> _Job | None:
        """The next entry that fits; the position moves past all that do not."""
        while not self._stopped:
            if self._stretch is None or self._position >= self._stretch.stop:
                await asyncio.sleep(0)  # a filter that fits nothing must not keep other lanes waiting
                self._stretch = await self._tools.reading.stretch(self._position)
                if self._stretch is None:
                    return None
            seq, self._position = self._position, self._position + 1
            entry = self._stretch[seq].entry
            if seq not in self._handled and self._match(entry):
                self._fresh.add(seq)
                return Delivery(signing.message_id(entry.id), seq, "waiting", 0, 0), self._stretch
            self._handled.discard(seq)
        return None

    async def _deliver(self, delivery: Delivery, stretch: Stretch | None) -> None:
        """One attempt, and what becomes of it. Cancelled, it was none."""
        try:
            started, clock, tree, ours = _now(), time.perf_counter(), 0, False
            try:
                assert delivery.seq is not None  # noqa: S101 - a test is not retried
                source = stretch or await self._tools.reading.one(delivery.seq)
                tree = source.tree
                answer = await self._attempt(delivery.message, source.body(delivery.seq))
            except Error as error:  # the log cannot be read, or is not what was signed: nothing goes out unproved
                answer, ours = Answer(None, str(error)[:300], took=time.perf_counter() - clock), True
            outcome = self._settle(delivery, answer, Attempt(
                delivery.message, started, int(answer.took * 1e6), tree, answer.status, answer.failure,
                answer.body or None,
            ))  # fmt: skip
            if not ours:
                self._judge(outcome, answer, _now())
            if delivery.seq is not None:
                self._fresh.discard(delivery.seq)
        finally:
            self._running.discard(delivery.message)
            self._again.discard(delivery.message)

    async def _attempt(self, message: str, body: bytes) -> Answer:
        now = datetime.now(UTC)
        headers = signing.headers(message, int(now.timestamp()), body, self._secrets(now))
        return await self._tools.client.post(self.endpoint.url, headers | signing.JSON, body)

    def _secrets(self, now: datetime) -> list[Secret]:
        """Derived when the endpoint changed, or an overlap ended."""
        generations = self.endpoint.generations(now)
        if self._signs[0] != generations:
            self._signs = (generations, self._tools.secrets(self.endpoint, now))
        return self._signs[1]

    def _settle(self, delivery: Delivery, answer: Answer, attempt: Attempt) -> Outcome:
        outcome = judge(answer, delivery.attempts + 1)
        due_at = _now() + int((outcome.delay or 0) * 1e6)
        after = delivery._replace(state=outcome.state, attempts=delivery.attempts + 1, due_at=due_at)
        self._tools.ledger.put(Result(self.endpoint.id, after, attempt))
        return outcome

    def _judge(self, outcome: Outcome, answer: Answer, now: int) -> None:
        """Since when there are only failures; after five days of them, or where nobody wants it, the lane ends."""
        since = None if answer.delivered else self._health.failing_since or now
        asked = now + int(outcome.rest * 1e6) if outcome.rest else 0
        health = Health(since, max(self._health.rests_until, asked))
        if health != self._health:
            self._health = health
            self._tools.ledger.health(self.endpoint.id, health)
        if outcome.gone:
            self._end("It answered 410: nobody wants this any more.")
        elif since is not None and now - since >= GIVE_UP * 1_000_000:
            self._end(f"Nothing was taken for five days; at last: {answer.failure}.")

    def _end(self, reason: str) -> None:
        if not self._stopped:
            self._stopped = True
            self._tools.disable(self.endpoint.id, reason)


def _now() -> int:
    return time.time_ns() // 1000
