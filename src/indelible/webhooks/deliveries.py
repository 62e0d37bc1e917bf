"""What is written down of deliveries: their state, and each attempt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from indelible.work.promise import Statements, Work


class Delivery(NamedTuple):
    """An entry to an endpoint; of a test `seq` is None. Moments are microseconds since 1970."""

    message: str
    seq: int | None
    state: str
    attempts: int
    due_at: int


class Attempt(NamedTuple):
    """One request. `tree` is the size of the checkpoint in it: with that its body can be made again."""

    message: str
    started_at: int
    took: int
    tree: int
    status: int | None
    failure: str | None
    answer: bytes | None


class Health(NamedTuple):
    """Of an endpoint: since when no attempt succeeded, and until when it asked to be left alone."""

    failing_since: int | None
    rests_until: int


@dataclass(frozen=True)
class Result:
    """What an attempt came to."""

    endpoint: str
    delivery: Delivery
    attempt: Attempt


class Deliveries:
    """Of all endpoints."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def write(self, results: Iterable[Result], cursors: dict[str, int], health: dict[str, Health]) -> None:
        """One transaction: after it those deliveries are known, and what is before a cursor needs no look again."""
        results = list(results)
        last = {(each.endpoint, each.delivery.message): each for each in results}  # of several attempts of one
        with self._work.transaction() as statements:
            statements.many("put_delivery", (_named(each, each.delivery) for each in last.values()))
            statements.many("add_attempt", (_named(each, each.attempt) for each in results))
            statements.many("move_cursor", ({"id": id_, "cursor": cursor} for id_, cursor in cursors.items()))
            statements.many("health", ({"id": id_} | each._asdict() for id_, each in health.items()))

    def due(self, endpoint: str, now: int, limit: int) -> list[Delivery]:
        """Those whose next attempt is due, the longest first."""
        with self._work.transaction() as statements:
            rows = statements.run("due", endpoint=endpoint, now=now, limit=limit)
        return [Delivery(message, seq, "waiting", attempts, now) for message, seq, attempts in rows]

    def endpoints_due(self, now: int) -> set[str]:
        """Those that have such deliveries: one question, however many endpoints there are."""
        with self._work.transaction() as statements:
            return {endpoint for (endpoint,) in statements.run("endpoints_due", now=now)}

    def handled(self, endpoint: str, cursor: int) -> set[int]:
        """Those from the cursor on that were attempted: of a server that was killed before it moved the cursor."""
        with self._work.transaction() as statements:
            return {seq for (seq,) in statements.run("handled", endpoint=endpoint, cursor=cursor)}

    def states(self, endpoint: str) -> dict[str, int]:
        """How many are in each state. Delivered ones are forgotten after a while."""
        with self._work.transaction() as statements:
            return dict(map(tuple, statements.run("states", endpoint=endpoint)))

    def one(self, endpoint: str, message: str) -> Delivery | None:
        with self._work.transaction() as statements:
            return next(
                (Delivery(*row) for row in statements.run("delivery", endpoint=endpoint, message=message)), None
            )

    def attempts(self, endpoint: str, *, before: int = 2**62, limit: int = 50) -> list[Attempt]:
        """Newest first."""
        with self._work.transaction() as statements:
            return [_attempt(row) for row in statements.run("attempts", endpoint=endpoint, before=before, limit=limit)]

    def attempts_of(self, endpoint: str, message: str, limit: int = 50) -> list[Attempt]:
        """Newest first."""
        with self._work.transaction() as statements:
            rows = statements.run("attempts_of", endpoint=endpoint, message=message, limit=limit)
        return [_attempt(row) for row in rows]

    def replay(self, endpoint: str, message: str, now: int) -> int:
        """Gives how many wait now."""
        with self._work.transaction() as statements:
            return len(statements.run("replay_one", endpoint=endpoint, message=message, now=now))

    def replay_failed(self, endpoint: str, now: int) -> int:
        """Those set aside, and those that wait after a failure."""
        with self._work.transaction() as statements:
            return len(statements.run("replay_failed", endpoint=endpoint, now=now))

    def enroll(self, endpoint: str, messages: Iterable[tuple[str, int]], now: int) -> None:
        """Have these (message, seq) delivered, whether or not they were."""
        waiting = [Delivery(message, seq, "waiting", 0, now) for message, seq in messages]
        with self._work.transaction() as statements:
            statements.many("put_delivery", ({"endpoint": endpoint} | each._asdict() for each in waiting))

    def forget(self, before: int) -> None:
        """Attempts older than that, and deliveries that arrived earlier."""
        with self._work.transaction() as statements:
            _forget(statements, before)


def _forget(statements: Statements, before: int) -> None:
    statements.run("forget_attempts", before=before)
    statements.run("forget_deliveries", before=before)


def _named(result: Result, row: Delivery | Attempt) -> dict[str, Any]:
    return {"endpoint": result.endpoint} | row._asdict()


def _attempt(row: Any) -> Attempt:
    attempt = Attempt(*row)
    return attempt if attempt.answer is None else attempt._replace(answer=bytes(attempt.answer))  # a memoryview
