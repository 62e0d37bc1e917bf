"""Who a dependency finds is who acts, whichever thread it and the route run in."""

import logging
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from indelible import Actor, acting_as, set_actor
from indelible.capture import context
from indelible.integrations.asgi import AuditMiddleware
from tests.integrations.servers import T, write
from tests.world import World


def by_thread(x_user: Annotated[str, Header()] = "") -> None:
    if x_user:
        set_actor(Actor(id=x_user))


async def by_task(x_user: Annotated[str, Header()] = "") -> None:
    by_thread(x_user)


def lost(x_user: Annotated[str, Header()] = "") -> Iterator[None]:
    """In the context of a thread that no other code runs in."""
    with acting_as(Actor(id=x_user)):
        yield


def app_of(engine: Engine, **options: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(AuditMiddleware, **options)

    def in_session(x_user: Annotated[str, Header()] = "") -> Iterator[Session]:
        """A user is looked up in the transaction that the route writes in."""
        with Session(engine) as session:
            session.execute(text("SELECT 1"))
            set_actor(Actor(id=x_user))
            yield session

    def thread(id_: str) -> None:
        write(engine, id_)

    async def task(id_: str) -> None:
        write(engine, id_)

    def session(id_: str, session: Annotated[Session, Depends(in_session)]) -> None:
        session.execute(text("INSERT INTO t VALUES (:id, 'a')"), {"id": id_})
        session.commit()

    for name, found in (("thread", by_thread), ("task", by_task), ("lost", lost)):
        app.add_api_route(f"/{name}/thread/{{id_}}", thread, dependencies=[Depends(found)])
        app.add_api_route(f"/{name}/task/{{id_}}", task, dependencies=[Depends(found)])
    app.add_api_route("/session/{id_}", session)
    return app


def test_it_acts_in_the_route(world: World) -> None:
    world.watch(T)
    with TestClient(app_of(world.engine())) as browser:
        paths = [f"/{found}/{route}" for found in ("thread", "task") for route in ("thread", "task")]
        for number, path in enumerate([*paths, "/session"]):
            assert browser.get(f"{path}/{number}", headers={"X-User": f"u{number}"}).status_code == 200
        browser.get("/thread/thread/nobody")
    entries = world.sealed()
    assert [(entry.entity.id, entry.actor.id) for entry in entries] == [
        *((str(number), f"u{number}") for number in range(5)),
        ("nobody", None),
    ]
    assert {entry.context.source for entry in entries} == {"web"}


def test_it_acts_rather_than_whom_the_middleware_found(world: World) -> None:
    world.watch(T)
    with TestClient(app_of(world.engine(), actor=lambda _: Actor(id="proxy"))) as browser:
        browser.get("/thread/thread/1")
        browser.get("/thread/thread/2", headers={"X-User": "dana"})
    assert [entry.actor.id for entry in world.sealed()] == ["proxy", "dana"]


def test_an_actor_who_got_lost_in_a_thread_is_told_of_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.watch(T)
    context._tell_of_loss.cache_clear()
    with TestClient(app_of(world.engine())) as browser, caplog.at_level(logging.WARNING, "indelible"):
        for number in range(2):
            browser.get(f"/lost/thread/{number}", headers={"X-User": "dana"})
    assert [entry.actor.type for entry in world.sealed()] == ["unknown", "unknown"]
    assert [record.message.count("set_actor") for record in caplog.records] == [1]
