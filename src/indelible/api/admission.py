"""Who is let in: the key, what it may do, how often.

Every refusal is an entry, as long as nobody floods the log with them.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from indelible.api.operation import SOURCE, Operation
from indelible.api.problems import ProblemError
from indelible.errors import UsageError
from indelible.event import Actor
from indelible.keys.keys import Key, Keys
from indelible.log import Log
from indelible.viewer import context_of
from indelible.work.announcements import By, note

RATE = "INDELIBLE_API_RATE"  # requests a second of one key, and twice as many at once
USUAL = 200.0
REFUSALS = 20  # of one address, or key, a minute, that are recorded one by one; of more the next one tells
ANYBODY = 10  # refusals a second, of all of them
AT_ONCE = 8  # requests of one key that are answered at the same time
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

    def __init__(self, log: Log, keys: Keys) -> None:
        """Raises UsageError for a rate that is none."""
        rate = _rate()
        burst = max(1, round(2 * rate))
        self._log = log
        self._keys = keys
        self._requests = Bucket(rate, burst)
        self._refusals = Bucket(REFUSALS / 60, REFUSALS)
        self._running: Counter[str] = Counter()  # on the event loop alone
        self._anybody = Bucket(ANYBODY, 60 * ANYBODY)
        self._more: dict[str, int] = {}  # refusals of a name that are yet to be told of
        self._lock = threading.Lock()
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

    @contextmanager
    def running(self, key: Key) -> Iterator[None]:
        """One key's slow requests leave room for others'. Raises ProblemError."""
        if self._running[key.id] >= AT_ONCE:
            raise _too_many(0, {})
        self._running[key.id] += 1
        try:
            yield
        finally:
            self._running[key.id] -= 1
            if not self._running[key.id]:
                del self._running[key.id]

    def _refuse(self, request: Request, key: Key | None, operation: Operation) -> None:
        """On record before the answer leaves; those that are too many, by their number."""
        context = context_of(request, SOURCE)
        name = key.id if key else f"from {_network(context.ip)}"
        taken = self._refusals.take(name)[0] and self._anybody.take("")[0]
        with self._lock:
            if not taken:
                if len(self._more) < FORGOTTEN:
                    self._more[name] = self._more.get(name, 0) + 1
                return
            more = self._more.pop(name, 0)
        told: dict[str, object] = {"operation": operation.name} | ({"scope": operation.scope} if key else {})
        told |= {"refused_before": more} if more else {}
        who, organization = (key.actor, key.organization) if key else (Actor.unknown(), None)
        by = By(actor=who, organization=organization, context=context)
        note(self._log, by, "API_ACCESS_DENIED", "request", told, outcome="denied")


def _network(ip: str | None) -> str:
    """Of IPv6, what one customer has: there are more addresses in it than could be remembered."""
    try:
        return str(ip_network(f"{ip}/64", strict=False)) if ip and ip_address(ip).version == 6 else str(ip)  # noqa: PLR2004
    except ValueError:
        return str(ip)


def _rate() -> float:
    text = os.environ.get(RATE) or str(USUAL)
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e9:  # noqa: PLR2004 - nobody asks a thousand million times a second
        raise UsageError(f"{RATE} is {text[:40]!r}. It is how many requests a second one key may make, as {USUAL:g}.")
    return rate


def _too_many(again: float, headers: Mapping[str, str]) -> ProblemError:
    wait = int(again) + 1
    said = f"Try again in {wait} s."
    return ProblemError(429, "Too many requests", said, headers={**headers, "Retry-After": str(wait)})
