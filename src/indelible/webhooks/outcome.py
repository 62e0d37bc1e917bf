"""What becomes of a delivery after an attempt: Standard Webhooks 1.0.0, "Deliverability and reliability"."""

import random
from collections.abc import Callable
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Seconds from one attempt to the next: the specification's example, ten attempts over three days.
SCHEDULE = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
JITTER = 0.1  # of the delay, either way: so that what failed together does not come back together
MOST = DAY  # of what a receiver may ask for
GIVE_UP = 5 * DAY  # of nothing but failures: the endpoint is disabled
GONE = 410
THROTTLED = (429, 502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What came of one request. `status` is None where nothing was answered; `failure` then says what happened."""

    status: int | None
    failure: str | None = None
    retry_after: float | None = None  # seconds
    body: bytes = b""  # the beginning of it
    took: float = 0.0  # seconds

    @property
    def delivered(self) -> bool:
        """A status of 2xx is success. All else is not, 3xx among it."""
        return self.failure is None


@dataclass(frozen=True)
class Outcome:
    """`delay`: seconds to the next attempt, None if there is none. `rest`: seconds that the whole lane is to pause."""

    state: str  # waiting, delivered, set aside
    delay: float | None = None
    rest: float = 0.0
    gone: bool = False


def judge(answer: Answer, attempts: int, chance: Callable[[], float] = random.random) -> Outcome:
    """After attempt number `attempts`, from 1."""
    if answer.delivered:
        return Outcome("delivered")
    rest = min(answer.retry_after or 0.0, MOST) if answer.status in THROTTLED else 0.0
    gone = answer.status == GONE
    if attempts > len(SCHEDULE):
        return Outcome("set aside", rest=rest, gone=gone)
    delay = SCHEDULE[attempts - 1] * (1 + JITTER * (2 * chance() - 1))
    return Outcome("waiting", max(delay, min(answer.retry_after or 0.0, MOST)), rest, gone)


def failure_of(status: int) -> str | None:
    """Why this status is no success; None if it is one."""
    if 200 <= status < 300:  # noqa: PLR2004
        return None
    if 300 <= status < 400:  # noqa: PLR2004
        return f"answered {status}: redirects are not followed; change the endpoint's address instead"
    return f"answered {status}"
