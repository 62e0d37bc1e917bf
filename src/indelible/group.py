"""Group commit: callers that append at once share a transaction and a signature.

Whoever finds nobody at it serves all that wait, itself among them, in the order in which they came. The disk is waited
for once, however many they are. One caller's mistake is not another's: where a group is refused, each is tried alone.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from indelible.errors import Error
from indelible.event import Event

MOST = 10_000  # events of one transaction, unless a single caller brings more

Seal = Callable[[Sequence[Sequence[Event]]], list[list[int]]]


class Group:
    """`seal` commits what callers bring, all or nothing, and gives the sequence numbers of each; `sign` follows."""

    def __init__(self, seal: Seal, sign: Callable[[], object]) -> None:
        self._seal = seal
        self._sign = sign
        self._waiting: deque[_Request] = deque()
        self._turn = threading.Lock()

    def append(self, events: Sequence[Event]) -> list[int]:
        """Gives the sequence numbers once they are sealed and signed. Raises what `seal` and `sign` raise."""
        mine = _Request(events)
        self._waiting.append(mine)
        with self._turn:
            while not mine.over:
                self._serve(self._next())
        return mine.result()

    def _next(self) -> "list[_Request]":
        taken, count = [self._waiting.popleft()], 0
        while self._waiting and (count := count + len(taken[-1].events)) + len(self._waiting[0].events) <= MOST:
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

    def _commit(self, requests: "list[_Request]") -> None:
        try:
            numbers = self._seal([request.events for request in requests])
        except Error as error:
            if len(requests) == 1:
                requests[0].error = error
                return
            for request in requests:
                self._commit([request])
        else:
            for request, sequence in zip(requests, numbers, strict=True):
                request.sealed, request.sequence = True, sequence


class _Request:
    """What one caller brought, and what became of it."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.sequence: list[int] = []
        self.sealed = self.over = False
        self.error: BaseException | None = None

    def result(self) -> list[int]:
        if self.error is not None:
            raise self.error
        return self.sequence
