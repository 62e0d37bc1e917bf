"""The front of the library: what holds from the moment an engine is given to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from indelible import Actor, Audit, acting_as
from indelible.errors import UsageError
from tests.capture.postgres.world import PostgresWorld
from tests.world import World, who

DANA = Actor(id="dana")
Either = World | PostgresWorld


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Either]:
    made = World(tmp_path) if request.param == "sqlite" else PostgresWorld(tmp_path, request.getfixturevalue("pg_url"))
    made.run("CREATE TABLE t (id integer PRIMARY KEY)")
    yield made
    made.close()


def worker(world: Either, level: str | None = None) -> Engine:
    """As a process has it that may only read and write rows; the deployment watches."""
    url = make_url(world.engine_url)
    if isinstance(world, PostgresWorld):
        url = url.set(username=world.role(f"app_{level}".lower(), "GRANT INSERT, SELECT ON t TO {}"))
    return create_engine(url, **({"isolation_level": level} if level else {}))


@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
def test_a_process_that_leaves_watch_to_another_says_who_acts(world: Either, level: str | None) -> None:
    engine = worker(world, level)
    with Audit(engine, world.log_url):
        with acting_as(DANA), engine.begin() as db:
            db.execute(text("INSERT INTO t VALUES (1)"))  # nothing is watched, and nothing stands in its way
        with engine.begin() as db:
            db.execute(text("INSERT INTO t VALUES (2)"))
        world.watch()
        with acting_as(DANA), engine.begin() as db:
            db.execute(text("INSERT INTO t VALUES (3)"))
        with engine.begin() as db:
            db.execute(text("INSERT INTO t VALUES (4)"))
    engine.dispose()
    entries = world.sealed()
    assert [(entry.entity.id, *who([entry])) for entry in entries] == [("3", "dana"), ("4", "unknown")]


def test_a_job_of_the_host_takes_the_place_of_none_of_the_server_s_own(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with Audit(engine, f"sqlite:///{tmp_path}/audit.db", mail=lambda _message: None) as audit:
        audit.watch()
        audit.start()
        own = [job.name for job in audit._upkeep.desk.scheduler.jobs]
        assert len(own) == 7
        for name in own:
            with pytest.raises(UsageError, match=f"'{name}' is a job of the server's own"):
                audit.schedule(name, "every 5m", lambda: None)
        audit.schedule("license-expiry", "every 5m", lambda: None)
    engine.dispose()


def test_an_async_function_is_no_job(tmp_path: Path) -> None:
    async def expire() -> str:
        return "3 expired"

    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    refused = pytest.raises(UsageError, match=r"'license-expiry' is an async function.*asyncio\.run")
    with Audit(engine, f"sqlite:///{tmp_path}/audit.db") as audit, refused:
        audit.schedule("license-expiry", "every 5m", expire)  # type: ignore[arg-type]  # that is the mistake
    engine.dispose()
