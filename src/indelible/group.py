"""Group commit: callers that append at once share a transaction and a signature.

Whoever finds nobody at it serves all that wait, itself among them, in the order in which they came. The disk is waited
for once, however many they are. One caller's mistake is not another's: where a group is refused, each is tried alone.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from indelible.errors import Error
from indelible.event import Entry, Event

MOST = 10_000  # events of one transaction, unless a single caller brings more


class Batch(NamedTuple):
    """What one caller brings. `same`, of the entry and the event: one whose id is in the log is there already if so."""

    events: Sequence[Event]
    same: Callable[[Entry | Event, Event], bool] | None = None


class Placed(NamedTuple):
    """Where an event stands in the log. `new`: since now."""

    seq: int
    new: bool


Seal = Callable[[Sequence[Batch]], list[list[Placed]]]


class Group:
    """`seal` commits what callers bring, all or nothing, and gives the places of each; `sign` follows."""

    def __init__(self, seal: Seal, sign: Callable[[], object]) -> None:
        self._seal = seal
        self._sign = sign
        self._waiting: deque[_Request] = deque()
        self._lock = threading.Lock()  # of the two around it, held for moments
        self._served = False  # somebody serves

    def append(self, batch: Batch) -> list[Placed]:
        """Gives the places once they are sealed and signed. Raises what `seal` and `sign` raise."""
        mine = _Request(batch)
        with self._lock:
            self._waiting.append(mine)
            mine.serves, self._served = not self._served, True
        try:
            if not mine.serves:
                mine.woken.wait()
            if not mine.over:
                self._serve(self._next())  # it is the first of those that wait
        finally:
            self._leave(mine)
        return mine.result()

    def _leave(self, mine: "_Request") -> None:
        """If it was its turn, the first of those that came meanwhile is next: nobody works on for others."""
        with self._lock:
            if mine in self._waiting:  # interrupted as it waited
                self._waiting.remove(mine)
            if not mine.serves:
                return
            self._served = bool(self._waiting)
            if self._waiting:
                self._waiting[0].serves = True
                self._waiting[0].woken.set()

    def _next(self) -> "list[_Request]":
        with self._lock:
            taken, count = [self._waiting.popleft()], 0
            while self._waiting and (count := count + taken[-1].size) + self._waiting[0].size <= MOST:
                taken.append(self._waiting.popleft())
            return taken

    def _serve(self, requests: "list[_Request]") -> None:
        """A crash of this caller (an interrupt) is everybody's: nobody knows what became of theirs."""
        try:
            self._commit(requests)
            if any(request.sealed for request in requests):
                self._sign()
        except BaseException as error:
            for request in requests:
                request.error = request.error or error
            if not isinstance(error, Error):
                raise
        finally:
            for request in requests:
                request.over = True
                request.woken.set()

    def _commit(self, requests: "list[_Request]") -> None:
        try:
            places = self._seal([request.batch for request in requests])
        except Error as error:
            if len(requests) == 1:
                requests[0].error = error
                return
            for request in requests:
                self._commit([request])
        else:
            for request, placed in zip(requests, places, strict=True):
                request.sealed, request.placed = True, placed


class _Request:
    """What one caller brought, and what became of it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.size = len(batch.events)
        self.placed: list[Placed] = []
        self.sealed = self.over = self.serves = False
        self.woken = threading.Event()  # it is over, or it is this caller's turn to serve
        self.error: BaseException | None = None

    def result(self) -> list[Placed]:
        if self.error is not None:
            raise self.error
        return self.placed
