"""A real server, a real database, and what the log says about each request; the same promises as for ASGI."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from sqlalchemy import Engine

from indelible.capture.context import acting, acting_as
from indelible.errors import UsageError
from indelible.event import Actor
from indelible.integrations.wsgi import AuditMiddleware
from tests.integrations.servers import T, told, write, wsgi
from tests.world import World

LOOPBACK = {"trusted_proxies": ["127.0.0.0/8"]}


def named(environ: dict[str, Any]) -> Actor | None:
    """Who a header says it is: authentication is the host's affair."""
    name = environ.get("HTTP_X_USER")
    if name == "boom":
        raise RuntimeError("the directory is away")
    return Actor(id=name) if name else None


class Rows:
    """An answer that writes while it is read, and when it is closed."""

    def __init__(self, engine: Engine, id_: str) -> None:
        self._engine, self._id, self._left = engine, id_, list("ab")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        piece = self._left.pop(0)
        write(self._engine, self._id + piece)
        return piece.encode()

    def close(self) -> None:
        write(self._engine, self._id + "-closed")


def host(engine: Engine, **options: Any) -> Callable[..., Iterable[bytes]]:
    barrier = threading.Barrier(2)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        page, id_ = environ["PATH_INFO"].strip("/").split("/")
        start_response("200 OK", [("Content-Type", "text/plain"), ("x-request-id", "the application's own")])
        if page == "stream":
            return Rows(engine, id_)
        if page == "meet":
            return meet(id_)
        if page == "sign_in":
            with acting_as(Actor(id="kim")):
                write(engine, id_)
            return [b""]
        write(engine, id_)
        if page == "fails":
            raise RuntimeError("boom")
        return [b"done"]

    def meet(id_: str) -> Iterator[bytes]:
        for turn in "abc":
            barrier.wait(10)
            write(engine, id_ + turn)
            yield b"."

    middleware = AuditMiddleware(validator(app), **{"actor": named, **options})
    return validator(middleware)  # each side is held to PEP 3333


@pytest.fixture
def engine(world: World) -> Engine:
    world.watch(T)
    return world.engine()


def test_an_answer_and_its_pieces_carry_who_and_how(world: World, engine: Engine) -> None:
    written = {"plain": ["plain"], "stream": ["streama", "streamb", "stream-closed"]}
    with wsgi(host(engine, source="portal", **LOOPBACK)) as browser:
        for path in written:
            headers = {"X-User": "dana", "X-Request-ID": f"r-{path}", "X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
            answer = browser.get(f"/{path}/{path}", headers=headers)
            assert answer.headers.get_list("x-request-id") == [f"r-{path}"]
    assert [told(entry) for entry in world.sealed()] == [
        (id_, "dana", "portal", "203.0.113.9", "test/1", f"r-{path}") for path, ids in written.items() for id_ in ids
    ]


def test_a_write_of_nobody_is_unknown_and_still_says_how_it_arrived(world: World, engine: Engine) -> None:
    with wsgi(host(engine)) as browser:
        browser.get("/plain/1", headers={"X-Request-ID": "r1", "X-Forwarded-For": "203.0.113.9"})
        browser.get("/sign_in/2", headers={"X-Request-ID": "r2"})
    assert [told(entry) for entry in world.sealed()] == [
        ("1", "unknown", "web", "127.0.0.1", "test/1", "r1"),
        ("2", "kim", "web", "127.0.0.1", "test/1", "r2"),
    ]


def test_a_list_is_passed_on_as_it_is_so_that_the_server_can_count_it() -> None:
    with wsgi(AuditMiddleware(lambda _e, start: start("200 OK", []) and [b"done"])) as browser:
        assert browser.get("/").headers["content-length"] == "4"


def test_two_requests_at_once_are_never_mixed_up(world: World, engine: Engine) -> None:
    def send(name: str) -> None:
        headers = {"X-User": name, "X-Request-ID": f"r-{name}", "X-Forwarded-For": f"203.0.113.{len(name)}"}
        assert browser.get(f"/meet/{name}-", headers=headers).text == "..."

    with wsgi(host(engine, **LOOPBACK)) as browser, ThreadPoolExecutor(2) as pool:
        for _ in pool.map(send, ["kim", "dana"]):
            pass
    assert sorted(told(entry) for entry in world.sealed()) == sorted(
        (f"{name}-{turn}", name, "web", f"203.0.113.{len(name)}", "test/1", f"r-{name}")
        for name in ("kim", "dana")
        for turn in "abc"
    )


class Server:
    """The server's side by hand, to look at its thread between the pieces."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_USER": "dana", "QUERY_STRING": ""}
        setup_testing_defaults(self.environ)
        self.started: list[tuple[Any, ...]] = []

    def start(self, *given: Any) -> Callable[[bytes], object]:
        self.started.append(given)
        return lambda _data: None


def test_the_servers_own_thread_acts_as_nobody_between_pieces_and_after(world: World, engine: Engine) -> None:
    server, second = Server(), Server()
    app = host(engine)
    bodies = []
    for each, id_ in ((server, "1"), (second, "2")):
        each.environ |= {"PATH_INFO": f"/stream/{id_}", "HTTP_X_USER": f"u{id_}"}
        bodies.append(app(each.environ, each.start))
    pieces = [iter(body) for body in bodies]
    for _ in range(2):
        for piece in pieces:
            next(piece)
            assert acting() is None
    for body in bodies:
        body.close()  # type: ignore[attr-defined]
        assert acting() is None
    assert sorted(told(entry)[:2] for entry in world.sealed()) == [
        (f"{n}{turn}", f"u{n}") for n in "12" for turn in ("-closed", "a", "b")
    ]


def test_nobody_acts_after_an_application_or_the_actor_function_raised(world: World, engine: Engine) -> None:
    for path, user, message in (("/fails/1", "dana", "boom"), ("/plain/2", "boom", "the directory is away")):
        server = Server()
        server.environ |= {"PATH_INFO": path, "HTTP_X_USER": user}
        with pytest.raises(RuntimeError, match=message):
            AuditMiddleware(host(engine), actor=named)(server.environ, server.start)
        assert acting() is None
    assert [told(entry)[:2] for entry in world.sealed()] == [("1", "dana")]


def test_an_error_after_the_start_is_passed_on_to_the_server() -> None:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            int("boom")
        except ValueError:
            start_response("500 Oops", [], sys.exc_info())
        yield b""

    server = Server()
    assert list(AuditMiddleware(app)(server.environ, server.start)) == [b""]
    (first, second) = server.started
    assert (len(first), second[0], second[1], second[2][0]) == (2, "500 Oops", first[1], ValueError)
    assert isinstance(second[2][2], TracebackType)
    assert [name for name, _ in second[1]] == ["X-Request-ID"]


def test_an_error_in_the_middle_of_an_answer_is_the_servers_to_see() -> None:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"a"
        raise ValueError("boom")

    server = Server()
    body = iter(AuditMiddleware(app)(server.environ, server.start))
    assert next(body) == b"a"
    with pytest.raises(ValueError, match="boom"):
        next(body)
    body.close()  # type: ignore[attr-defined]
    assert acting() is None


def test_a_unix_socket_has_no_address_unless_its_proxy_is_named() -> None:
    for trusted, ip in (([], None), (["unix"], "203.0.113.9")):
        server = Server()
        server.environ |= {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
        AuditMiddleware(lambda _e, _s: [], trusted_proxies=trusted)(server.environ, server.start)
        assert server.environ["indelible.context"].ip == ip


def test_an_actor_function_that_must_be_awaited_is_refused() -> None:
    async def actor(_environ: dict[str, Any]) -> Actor: ...  # type: ignore[empty-body]

    with pytest.raises(UsageError, match="WSGI cannot await it"):
        AuditMiddleware(lambda _e, _s: [], actor=actor)  # type: ignore[arg-type]
