"""A real server, a real database, and what the log says about each request."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.background import BackgroundTasks
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from indelible.capture.context import acting, acting_as
from indelible.event import Actor, Context
from indelible.integrations.asgi import AuditMiddleware
from tests.integrations.servers import T, asgi, told, write
from tests.world import World

LOOPBACK: dict[str, Any] = {"trusted_proxies": ["127.0.0.0/8"]}


async def named(scope: Any) -> Actor | None:
    """Who a header says it is: authentication is the host's affair."""
    await asyncio.sleep(0)
    name = HTTPConnection(scope).headers.get("x-user")
    if name == "boom":
        raise RuntimeError("the directory is away")
    return Actor(id=name) if name else None


def host(engine: Engine, *, actor: Any = named, **options: Any) -> Starlette:  # noqa: C901 - a page for each way to answer
    meeting, barrier = asyncio.Barrier(2), threading.Barrier(2)

    def thread(request: Request) -> Response:
        write(engine, request.path_params["id"])
        return PlainTextResponse("", headers={"x-request-id": "the application's own"})

    async def task(request: Request) -> Response:
        write(engine, request.path_params["id"])
        return JSONResponse(request.scope["indelible.context"].request_id)

    async def later(id_: str) -> None:
        await asyncio.sleep(0.001)
        write(engine, id_)

    def background(request: Request) -> Response:
        tasks = BackgroundTasks()
        tasks.add_task(write, engine, request.path_params["id"] + "-thread")
        tasks.add_task(later, request.path_params["id"] + "-task")
        return PlainTextResponse("", background=tasks)

    def stream(request: Request) -> Response:
        def pieces() -> Iterator[str]:
            for piece in "ab":
                write(engine, request.path_params["id"] + piece)
                yield piece

        return StreamingResponse(pieces())

    def sign_in(request: Request) -> Response:
        with acting_as(Actor(id="kim")):
            write(engine, request.path_params["id"])
        return PlainTextResponse("")

    async def meet(request: Request) -> Response:
        for turn in "abc":
            await meeting.wait()
            write(engine, request.path_params["id"] + turn)
        return PlainTextResponse("")

    def meet_in_threads(request: Request) -> Response:
        for turn in "abc":
            barrier.wait(10)
            write(engine, request.path_params["id"] + turn)
        return PlainTextResponse("")

    def fails(request: Request) -> Response:
        write(engine, request.path_params["id"])
        raise HTTPException(418)

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        write(engine, await websocket.receive_text())
        await websocket.close()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with acting_as(Actor.system("start")):
            write(engine, "start")
        yield

    pages = (thread, task, background, stream, sign_in, meet, meet_in_threads, fails)
    return Starlette(
        routes=[
            *(Route(f"/{page.__name__}/{{id}}", page, methods=["POST"]) for page in pages),
            WebSocketRoute("/socket", socket),
        ],
        middleware=[Middleware(AuditMiddleware, actor=actor, **options)],
        lifespan=lifespan,
    )


@pytest.fixture
def engine(world: World) -> Engine:
    world.watch(T)
    return world.engine()


def rows(world: World) -> list[tuple[str, str, str | None, str | None, str | None, str | None]]:
    """Without the server's start."""
    first, *others = [told(entry) for entry in world.sealed()]
    assert first == ("start", "start", None, None, None, None)
    return others


def test_every_way_to_answer_carries_who_and_how(world: World, engine: Engine) -> None:
    written = {
        "thread": ["thread"],
        "task": ["task"],
        "background": ["background-thread", "background-task"],
        "stream": ["streama", "streamb"],
        "fails": ["fails"],
    }
    with asgi(host(engine, source="portal", **LOOPBACK)) as browser:
        for path in written:
            headers = {"X-User": "dana", "X-Request-ID": f"r-{path}", "X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
            answer = browser.post(f"/{path}/{path}", headers=headers)
            assert answer.headers.get_list("x-request-id") == [f"r-{path}"]
    assert sorted(rows(world)) == sorted(
        (id_, "dana", "portal", "203.0.113.9", "test/1", f"r-{path}") for path, ids in written.items() for id_ in ids
    )


def test_a_write_of_nobody_is_unknown_and_still_says_how_it_arrived(world: World, engine: Engine) -> None:
    with asgi(host(engine)) as browser:
        answers = [browser.post(f"/thread/{id_}") for id_ in ("1", "2")]
    first, second = (answer.headers["x-request-id"] for answer in answers)
    assert first != second
    assert rows(world) == [
        ("1", "unknown", "web", "127.0.0.1", "test/1", first),
        ("2", "unknown", "web", "127.0.0.1", "test/1", second),
    ]
    assert world.sealed()[1].context.transaction_id


def test_who_signs_in_inside_has_the_request_around_it(world: World, engine: Engine) -> None:
    with asgi(host(engine, actor=None)) as browser:
        browser.post("/sign_in/1", headers={"X-Request-ID": "r1"})
    assert rows(world) == [("1", "kim", "web", "127.0.0.1", "test/1", "r1")]


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8", "::1"], ["unix"]])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_forwarded_address_of_who_is_no_proxy_is_ignored(
    world: World, engine: Engine, trusted: list[str], header: str
) -> None:
    with asgi(host(engine, trusted_proxies=trusted, proxy_header=header)) as browser:
        browser.post("/thread/1", headers={header: "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"})
    assert rows(world)[0][3] == "127.0.0.1"


def test_only_the_header_that_the_proxies_write_is_believed(world: World, engine: Engine) -> None:
    both = {"Forwarded": 'for="[2001:db8::1]:80"', "X-Forwarded-For": "203.0.113.9"}
    with asgi(host(engine, **LOOPBACK)) as browser:
        browser.post("/thread/1", headers=both)
    with asgi(host(engine, proxy_header="Forwarded", **LOOPBACK), lifespan="off") as browser:
        browser.post("/thread/2", headers=both)
    assert [row[3] for row in rows(world)] == ["203.0.113.9", "2001:db8::1"]


def test_several_lines_of_a_header_are_read_as_one(world: World, engine: Engine) -> None:
    with asgi(host(engine, **LOOPBACK)) as browser:
        browser.post("/thread/1", headers=[("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9")])
        twice = browser.post("/thread/2", headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")])
    assert rows(world)[0][3] == "203.0.113.9"
    assert len(twice.headers["x-request-id"]) == 32, "two ids are none"


def test_what_the_actor_function_raises_ends_the_request(world: World, engine: Engine) -> None:
    with asgi(host(engine)) as browser:
        headers = {"X-User": "boom", "Connection": "close"}  # the server closes it after an error, some moment later
        assert browser.post("/thread/1", headers=headers).status_code == 500
        assert browser.post("/thread/2", headers={"X-User": "dana"}).status_code == 200
    assert [row[:2] for row in rows(world)] == [("2", "dana")]


def test_the_actor_is_asked_once_and_may_be_found_without_waiting(world: World, engine: Engine) -> None:
    asked = []

    def actor(scope: Any) -> Actor:
        asked.append(scope["path"])
        return Actor(id="dana")

    with asgi(host(engine, actor=actor)) as browser:
        browser.post("/background/1")
    assert asked == ["/background/1"]
    assert [row[1] for row in rows(world)] == ["dana", "dana"]


@pytest.mark.parametrize("path", ["meet", "meet_in_threads"])
def test_two_requests_at_once_are_never_mixed_up(world: World, engine: Engine, path: str) -> None:
    def send(name: str) -> None:
        headers = {"X-User": name, "X-Request-ID": f"r-{name}", "X-Forwarded-For": f"203.0.113.{len(name)}"}
        assert browser.post(f"/{path}/{name}-", headers=headers).status_code == 200

    with asgi(host(engine, **LOOPBACK)) as browser, ThreadPoolExecutor(2) as pool:
        for _ in pool.map(send, ["kim", "dana"]):
            pass
    assert sorted(rows(world)) == sorted(
        (f"{name}-{turn}", name, "web", f"203.0.113.{len(name)}", "test/1", f"r-{name}")
        for name in ("kim", "dana")
        for turn in "abc"
    )


def test_a_long_user_agent_is_clipped_and_an_absent_one_left_out(world: World, engine: Engine) -> None:
    with asgi(host(engine)) as browser:
        browser.post("/thread/1", headers={"User-Agent": "x" * 2000})
        browser.post("/thread/2", headers={"User-Agent": ""})
    assert [row[4] for row in rows(world)] == ["x" * 511 + "…", None]


def test_a_websocket_says_who_and_how_and_is_answered(world: World, engine: Engine) -> None:
    with TestClient(host(engine)) as browser:
        headers = {"X-User": "dana", "X-Request-ID": "r1"}
        with browser.websocket_connect("/socket", headers=headers) as websocket:
            assert (b"x-request-id", b"r1") in (websocket.extra_headers or ())
            websocket.send_text("1")
            websocket.receive()
    assert rows(world) == [("1", "dana", "web", "testclient", "testclient", "r1")]


def test_a_unix_socket_has_no_address_unless_its_proxy_is_named() -> None:
    found: list[Context] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(0)
        found.append(scope["indelible.context"])

    async def main() -> None:
        scope = {"type": "http", "client": None, "headers": [(b"x-forwarded-for", b"203.0.113.9")]}
        for trusted in ([], ["unix"]):
            await AuditMiddleware(app, trusted_proxies=trusted)(dict(scope), receive, receive)
        assert acting() is None

    async def receive(_message: Any = None) -> Any: ...

    asyncio.run(main())
    assert [context.ip for context in found] == [None, "203.0.113.9"]
