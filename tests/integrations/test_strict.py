"""Watched strictly, a write of a request that names nobody is refused, whatever it sends along."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from indelible.event import Actor
from indelible.integrations.asgi import AuditMiddleware
from indelible.integrations.wsgi import AuditMiddleware as AuditWSGI
from tests.capture.postgres.world import PostgresWorld
from tests.integrations.servers import T, asgi, write, wsgi
from tests.world import AnyWorld, World, who


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyWorld]:
    made = World(tmp_path) if request.param == "sqlite" else PostgresWorld(tmp_path, request.getfixturevalue("pg_url"))
    made.watch(T, strict=True)
    yield made
    made.close()


def tried(engine: Engine, id_: str) -> str:
    try:
        write(engine, id_)
    except DBAPIError as error:
        return "refused" if "nobody is said to" in str(error) else str(error)
    return "written"


def on_wsgi(engine: Engine) -> AbstractContextManager[httpx2.Client]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [tried(engine, environ["PATH_INFO"]).encode()]

    def named(environ: dict[str, Any]) -> Actor | None:
        return Actor(id=environ["HTTP_X_USER"]) if "HTTP_X_USER" in environ else None

    return wsgi(AuditWSGI(app, actor=named))


def on_asgi(engine: Engine) -> AbstractContextManager[httpx2.Client]:
    def answer(request: Request) -> Response:
        return PlainTextResponse(tried(engine, request.url.path))

    def named(scope: Any) -> Actor | None:
        name = HTTPConnection(scope).headers.get("x-user")
        return Actor(id=name) if name else None

    return asgi(Starlette(routes=[Route("/{id}", answer)], middleware=[Middleware(AuditMiddleware, actor=named)]))


@pytest.mark.parametrize("serve", [on_wsgi, on_asgi])
@pytest.mark.parametrize("agent", [b"Mosaic", b"Mozill\xe9", "Zoë 李 😀".encode(), b'{"actor":"\xff\\"'])
def test_no_header_makes_somebody_of_nobody(
    world: World, serve: Callable[[Engine], AbstractContextManager[httpx2.Client]], agent: bytes
) -> None:
    with serve(world.engine()) as browser:
        assert browser.get("/1", headers={b"user-agent": agent}).text == "refused"
        assert browser.get("/2", headers={b"user-agent": agent, b"x-user": b"dana"}).text == "written"
    assert who(world.sealed()) == ["dana"]
