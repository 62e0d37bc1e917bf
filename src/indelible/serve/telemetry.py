"""Traces and metrics for OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says who collects them.

A span is named by method and route (`GET /api/v1/events/{seq}`), and is part of the caller's trace where `traceparent`
says which (W3C Trace Context). Neither has what somebody searched for, nor who they are: addresses stay here.
Names are those of OpenTelemetry's semantic conventions for HTTP servers.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, Self

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode

from indelible.serve.metrics import GAUGES

ERROR = 500
LAST_SECONDS = 2
METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
Health = Callable[[], dict[str, Any]]


class Telemetry:
    """Of one process. What the collector does not take is dropped: no request waits for it."""

    def __init__(self, health: Health) -> None:
        named = {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "indelible"),
            "service.version": version("indelible"),
        }
        resource = Resource.create(named)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._exporters = OTLPSpanExporter(), OTLPMetricExporter()
        self._traces.add_span_processor(BatchSpanProcessor(self._exporters[0]))
        reader = PeriodicExportingMetricReader(self._exporters[1])
        self._metrics = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer("indelible")
        meter = self._metrics.get_meter("indelible")
        self._seconds = meter.create_histogram("http.server.request.duration", "s", "Until the last byte")
        for name, (metric, about) in GAUGES.items():
            meter.create_observable_gauge(metric.replace("_", ".", 1), [_observed(health, name)], description=about)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What was not sent yet is, if that takes moments: a collector that is gone would be tried again for long."""
        for last in (self._flush, self._end):
            ending = threading.Thread(target=last, daemon=True)
            ending.start()
            ending.join(LAST_SECONDS)

    def _flush(self) -> None:
        self._traces.force_flush()
        self._metrics.force_flush()

    def _end(self) -> None:
        for part in (*self._exporters, self._traces, self._metrics):
            part.shutdown()

    def tracing(self, app: Any) -> Any:
        """Middleware."""

        async def traced(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status, began = 0, time.perf_counter()

            async def answer(message: Any) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            with self._tracer.start_as_current_span(
                scope["method"],
                propagate.extract(carrier),
                SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    await app(scope, receive, answer)
                finally:
                    told = _told(scope, status)
                    _tell(span, told)
                    self._seconds.record(time.perf_counter() - began, told)

        return traced


def _told(scope: Any, status: int) -> dict[str, str | int]:
    route = getattr(scope.get("route"), "path", "")
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"  # anybody may invent one
    told: dict[str, str | int] = {"http.request.method": method, "url.scheme": scope["scheme"]}
    told |= {"http.response.status_code": status} if status else {}
    return told | ({"http.route": f"{scope.get('root_path', '')}{route}"} if route else {})


def _tell(span: Span, told: dict[str, str | int]) -> None:
    span.set_attributes(told)
    span.update_name(f"{told['http.request.method']} {told.get('http.route', '')}".strip())
    if int(told.get("http.response.status_code", ERROR)) >= ERROR:
        span.set_status(StatusCode.ERROR)


def _observed(health: Health, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(health()[name])]

    return observe
