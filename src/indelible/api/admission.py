"""Who is let in: the key, what it may do, how often.

Every refusal is an entry, as long as nobody floods the log with them.
"""

import threading
import time
from collections.abc import Mapping

from starlette.requests import Request

from indelible.api.operation import Operation, context_of
from indelible.api.problems import ProblemError
from indelible.event import Actor, Entity
from indelible.keys.keys import Key, Keys
from indelible.log import Log
from indelible.work.announcements import announce_now, happening

RATE = 200.0  # requests a second of one key
BURST = 400
REFUSALS = 20  # of one address, or key, a minute, that are recorded; more are told to wait
FORGOTTEN = 10_000  # addresses and keys that are remembered
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="indelible"'}


class Bucket:
    """So many at once, so many a second after that; of each name."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}  # what is left, and when
        self._lock = threading.Lock()

    def take(self, name: str) -> tuple[bool, int, float]:
        """Whether there was one, how many are left, and in how many seconds there is one again."""
        with self._lock:
            now = time.monotonic()
            left, at = self._left.pop(name, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            taken = left >= 1
            left -= taken
            if len(self._left) >= FORGOTTEN:  # the one that was asked for longest ago
                del self._left[next(iter(self._left))]
            self._left[name] = left, now
            return taken, int(left), max(0.0, (1 - left) / self._rate)


class Admission:
    """Of one log."""

    def __init__(self, log: Log, keys: Keys, *, rate: float = RATE, burst: int = BURST) -> None:
        self._log = log
        self._keys = keys
        self._requests = Bucket(rate, burst)
        self._refusals = Bucket(REFUSALS / 60, REFUSALS)
        self._policy = f'"key";q={burst};w={max(1, round(burst / rate))}'

    def admit(self, request: Request, operation: Operation) -> tuple[Key, Mapping[str, str]]:
        """The key of a request, and headers of the answer (IETF RateLimit). Raises ProblemError, LogError."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        key = self._keys.find(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            self._refuse(request, None, operation)
            said = "It has no key that is good. Send Authorization: Bearer KEY; `indelible keys add` makes one."
            raise ProblemError(401, "Who are you?", said, headers=CHALLENGE)
        if operation.scope is not None and not key.may(operation.scope):
            self._refuse(request, key, operation)
            said = f"This key may {key.scopes.replace(',', ', ')}; this takes one that may {operation.scope}."
            raise ProblemError(403, "This key may not", said)
        taken, left, again = self._requests.take(key.id)
        headers = {"RateLimit-Policy": self._policy, "RateLimit": f'"key";r={left};t={int(again) + 1}'}
        if not taken:
            raise _too_many(again, headers)
        return key, headers

    def _refuse(self, request: Request, key: Key | None, operation: Operation) -> None:
        """On record before the answer leaves. Raises ProblemError instead where there were too many."""
        context = context_of(request)
        taken, _, again = self._refusals.take(key.id if key else f"from {context.ip}")
        if not taken:
            raise _too_many(again, {})
        told = {"operation": operation.name} | ({"scope": operation.scope} if key else {})
        event = happening(
            "API_ACCESS_DENIED", "request", Entity("AuditLog", self._log.origin, "Audit log"),
            key.actor if key else Actor.unknown(), organization=key.organization if key else None, outcome="denied",
            context=context, metadata=told,
        )  # fmt: skip
        announce_now(self._log, event)


def _too_many(again: float, headers: Mapping[str, str]) -> ProblemError:
    wait = int(again) + 1
    said = f"Try again in {wait} s."
    return ProblemError(429, "Too many requests", said, headers={**headers, "Retry-After": str(wait)})
