"""The parts of a server, opened and closed together."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any, Self

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from indelible.api import create_api
from indelible.api.app import missing
from indelible.capture.source import open_source
from indelible.errors import Error
from indelible.log import Log
from indelible.routes import over_lines
from indelible.sealer import Sealer
from indelible.serve.headers import SafeHeaders
from indelible.serve.metrics import Metrics
from indelible.serve.settings import Settings
from indelible.upkeep import Upkeep
from indelible.viewer import ViewerCheck
from indelible.web import create_app

logger = logging.getLogger(__name__)

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"  # OpenTelemetry's own word for where traces and metrics go


class Service:
    """`start` seals, verifies, delivers, runs jobs; `close` ends all of that. What is not done is done by the next."""

    def __init__(self, settings: Settings) -> None:
        """Opens the log, and makes it with its key if it is not there. Raises UsageError, LogError, CaptureError."""
        with ExitStack() as opened:
            self.log = opened.enter_context(Log.open_or_create(settings.log))
            if settings.replica:
                self.log.search_in(settings.replica)
            self.upkeep = opened.enter_context(closing(Upkeep(self.log, settings.log, settings.apps)))
            self._sealers = [opened.enter_context(closing(self._sealer(url))) for url in settings.apps]
            self._opened = opened.pop_all()

    def start(self) -> None:
        for sealer in self._sealers:
            sealer.start()
        self.upkeep.start()

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self) -> None:
        """All that was committed is in the log when this returns."""
        for sealer in self._sealers:
            sealer.seal()

    def health(self) -> dict[str, Any]:
        """As `Audit.health`, of all databases that are sealed from."""
        told = {"status": "ok", "size": self.log.head().size, "signed": self.log.signed_size()}
        told |= {"pending": 0, "seal_lag_seconds": 0.0}
        for found in (sealer.health() for sealer in self._sealers):
            told["pending"] += found.get("pending", 0)
            told["seal_lag_seconds"] = max(told["seal_lag_seconds"], found.get("seal_lag_seconds", 0.0))
            if found["status"] != "ok":
                told |= {"status": "failing", "failure": found.get("failure", "")}
        return self.upkeep.told(told)

    def _sealer(self, url: str) -> Sealer:
        with closing(open_source(url)) as source:
            outbox = source.outbox()
        return Sealer(outbox, self.log, self.upkeep.turn(outbox.source))

    def _traced(self) -> list[Middleware]:
        """A server that cannot tell a collector serves all the same."""
        if not os.environ.get(COLLECTOR):
            return []
        try:
            from indelible.serve.telemetry import Telemetry
        except ImportError:
            logger.warning("%s is set, and OpenTelemetry needs more packages: pip install 'indelible[otel]'", COLLECTOR)
            return []
        return [Middleware(self._opened.enter_context(Telemetry(self.health)).tracing)]

    def app(self, viewer: ViewerCheck) -> Starlette:
        """API, pages, `/healthz` and `/metrics`. Raises LogError."""
        pages = create_app(self.log, viewer=viewer, shell=None, refresh=self.seal, upkeep=self.upkeep)
        metrics = Metrics(self.health, self.upkeep.desk.keys)
        return Starlette(
            routes=[
                Route("/healthz", _health(self.health)),
                Route("/metrics", metrics.answer),
                over_lines(Mount("/api/v1", create_api(self.log, self.upkeep))),
                over_lines(Mount("/", pages)),
            ],
            exception_handlers={404: missing},
            middleware=[*self._traced(), Middleware(SafeHeaders), Middleware(metrics.counting)],
        )


def _health(health: Callable[[], dict[str, Any]]) -> Callable[[Request], Response]:
    def answer(_request: Request) -> Response:
        """Open to all, so it says no more than whether all is well."""
        try:
            status = health()["status"]
        except Error:
            status = "failing"
        return JSONResponse({"status": status}, 200 if status == "ok" else 503, headers={"Cache-Control": "no-store"})

    return answer
