"""A collector of OpenTelemetry hears of each request, in its caller's trace, and nothing of what was asked."""

import asyncio
import gzip
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indelible.serve.metrics import GAUGES
from indelible.serve.telemetry import Telemetry
from tests.serve.conftest import Start, get, key, until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "100"}


class Collector:
    """A far side: it keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                collector.got.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def spans(self) -> list[Any]:
        sent = [ExportTraceServiceRequest.FromString(body) for path, body in self.got if path == "/v1/traces"]
        return [s for each in sent for r in each.resource_spans for scope in r.scope_spans for s in scope.spans]

    def metrics(self) -> set[str]:
        sent = [ExportMetricsServiceRequest.FromString(body) for path, body in self.got if path == "/v1/metrics"]
        return {m.name for each in sent for r in each.resource_metrics for s in r.scope_metrics for m in s.metrics}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


def test_each_request_is_a_span_of_its_callers_trace_without_what_was_asked(
    start: Start, log_url: str, collector: Collector
) -> None:
    address = f"http://127.0.0.1:{collector.server.server_port}"
    server = start(log_url, environment=SOON | {"OTEL_EXPORTER_OTLP_ENDPOINT": address})
    headers = key(log_url, "read") | {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    assert get(server, "/api/v1/events?q=secretword", headers=headers).status_code == 200
    assert get(server, "/api/v1/events/77", headers=headers).status_code == 404
    assert get(server, "/?q=secretword").status_code == 401
    assert until(lambda: len(collector.spans()) >= 3)
    assert until(lambda: {"indelible.entries", "http.server.request.duration"} <= collector.metrics())
    found = {span.name: span for span in collector.spans()}
    assert {"GET /api/v1/events", "GET /api/v1/events/{seq}"} <= set(found)
    span = found["GET /api/v1/events/{seq}"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    status = {each.key: each.value.int_value for each in span.attributes}["http.response.status_code"]
    assert status == 404
    everything = b"".join(body for _, body in collector.got)
    assert b"secretword" not in everything
    assert headers["Authorization"].removeprefix("Bearer ").encode() not in everything
    assert server.stop() in (0, -signal.SIGTERM)


def test_a_collector_that_is_gone_holds_nothing_up(start: Start, log_url: str) -> None:
    server = start(log_url, environment=SOON | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    for _ in range(3):
        assert get(server, "/healthz").status_code == 200
    time.sleep(0.5)
    began = time.monotonic()
    assert server.stop() in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 10


def test_what_an_error_says_stays_here(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server.server_port}")

    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ValueError("secretword")

    scope = {"type": "http", "method": "INVENTED-secretword", "scheme": "http", "headers": [], "path": "/"}
    with Telemetry(lambda: dict.fromkeys(GAUGES, 0)) as telemetry, pytest.raises(ValueError, match="secretword"):
        asyncio.run(telemetry.tracing(fails)(scope, None, None))
    assert [span.name for span in collector.spans()] == ["_OTHER"]
    assert b"secretword" not in b"".join(body for _, body in collector.got)
