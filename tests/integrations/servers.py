"""Real servers on a free port of the loopback, in a thread of the test."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx2
import uvicorn
from sqlalchemy import Engine, column, insert, table

from indelible.event import Entry
from tests.world import who

T = "CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT)"
t = table("t", column("id"), column("x"))


def write(engine: Engine, id_: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(t).values(id=id_, x="x"))


def told(entry: Entry) -> tuple[str, str, str | None, str | None, str | None, str | None]:
    """What a test compares: the row, who, and how."""
    context = entry.context
    return (entry.entity.id, who([entry])[0], context.source, context.ip, context.user_agent, context.request_id)


@contextmanager
def asgi(app: Any, **options: Any) -> Iterator[httpx2.Client]:
    """uvicorn; a client for it. What it believes of its own accord is switched off."""
    settings: dict[str, Any] = {"port": 0, "log_level": "critical", "proxy_headers": False, "lifespan": "on"} | options
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        with client(server.servers[0].sockets[0].getsockname()[1]) as ours:
            yield ours
    finally:
        server.should_exit = True
        thread.join()


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def wsgi(app: Callable[..., Any]) -> Iterator[httpx2.Client]:
    """wsgiref, a thread for each request; a client for it."""
    server = make_server("127.0.0.1", 0, app, _Threaded, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with client(server.server_port) as ours:
            yield ours
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(port: int) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"User-Agent": "test/1"}, trust_env=False)
