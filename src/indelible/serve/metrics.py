"""What a monitor reads: `/metrics`, in the text format of Prometheus (0.0.4), for a key that may read all of the log.

It is a page of text with ten numbers; a library for it would bring a registry that this process has no use for.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from indelible.keys.keys import Keys

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGES = {
    "size": ("indelible_entries", "Entries in the log"),
    "signed": ("indelible_signed_entries", "Of these, signed"),
    "pending": ("indelible_pending_records", "Captured, and not in the log yet"),
    "seal_lag_seconds": ("indelible_seal_lag_seconds", "Age of the oldest of them"),
}


class Metrics:
    """Of one process."""

    def __init__(self, health: Callable[[], dict[str, Any]], keys: Keys) -> None:
        self._health = health
        self._keys = keys
        self._started = time.time()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)

    async def answer(self, request: Request) -> Response:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        told = await run_in_threadpool(self._told, text.strip() if scheme.lower() == "bearer" else "")
        if told is None:
            refused = {"WWW-Authenticate": 'Bearer realm="indelible"'}
            return PlainTextResponse("Give a key that may read, of no organization.\n", 401, headers=refused)
        return Response(told, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    def _told(self, text: str) -> str | None:
        key = self._keys.find(text)
        if key is None or not key.may("read") or key.organization is not None:
            return None
        health, lines = self._health(), list[str]()
        for name, (metric, about) in GAUGES.items():
            lines += _gauge(metric, about, health[name])
        lines += _gauge("indelible_healthy", "1: all is well", health["status"] == "ok")
        lines += _gauge("indelible_drifted_tables", "Tables not watched as they were left", len(health["drifted"]))
        lines += _gauge("indelible_tampering_detected", "1: the log is not as it was signed", "tampering" in health)
        lines += _gauge("indelible_start_time_seconds", "When this process began", round(self._started, 3))
        lines += _counter("indelible_requests_total", "Answers, by part and status")
        for (part, status), count in sorted(self._requests.items()):
            lines.append(f'indelible_requests_total{{part="{part}",status="{status}"}} {count}')
        lines += _counter("indelible_request_seconds_total", "Seconds until the first byte")
        for part, seconds in sorted(self._seconds.items()):
            lines.append(f'indelible_request_seconds_total{{part="{part}"}} {seconds:.6f}')
        return "\n".join([*lines, ""])

    def counting(self, app: Any) -> Any:
        """Middleware. By part only: an address may name somebody."""

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            part, began = "api" if scope["path"].startswith("/api/") else "pages", time.perf_counter()

            async def answer(message: Any) -> None:
                if message["type"] == "http.response.start":
                    self._requests[part, message["status"]] += 1
                    self._seconds[part] += time.perf_counter() - began
                await send(message)

            await app(scope, receive, answer)

        return counted


def _gauge(name: str, about: str, value: float) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} gauge", f"{name} {value + 0}"]


def _counter(name: str, about: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} counter"]
