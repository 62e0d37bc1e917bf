"""Who acts, on SQLAlchemy, whichever driver: pooled connections leak nothing, and a change midway is carried."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from indelible.capture.context import acting_as, serving
from indelible.event import Actor
from indelible.integrations.sqlalchemy import attach
from tests.capture.postgres.world import PostgresWorld
from tests.world import who

ACTORS = {name: Actor(id=name) for name in ("dana", "kim")}
DANA, KIM = ACTORS.values()
T = "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)"
INSERT = "INSERT INTO t (x) VALUES ('x')"


class Async:
    """An asynchronous engine, used from here: the greenlet and the loop are SQLAlchemy's own."""

    def __init__(self, world: PostgresWorld, driver: str) -> None:
        self._world, self._driver = world, driver

    def use(self, work: Callable[[Connection], Any], **options: Any) -> None:
        """`work` twice on one pooled connection, each in a transaction of its own."""

        async def main() -> None:
            engine = create_async_engine(self._world.driver_url(self._driver), pool_size=1, max_overflow=0, **options)
            attach(engine.sync_engine, lambda: None)
            for _ in range(2):
                async with engine.begin() as connection:
                    await connection.run_sync(work)
            await engine.dispose()

        asyncio.run(main())


class Sync:
    def __init__(self, world: PostgresWorld, driver: str) -> None:
        assert driver == "psycopg"
        self._world = world

    def use(self, work: Callable[[Connection], Any], **options: Any) -> None:
        engine = self._world.engine(pool_size=1, max_overflow=0, **options)
        for _ in range(2):
            with engine.begin() as connection:
                work(connection)


@pytest.fixture
def world(world: PostgresWorld) -> PostgresWorld:
    world.watch(T)
    return world


@pytest.fixture
def engine(world: PostgresWorld) -> Engine:
    return world.engine(pool_size=1, max_overflow=0)


@pytest.fixture(params=[(Sync, "psycopg"), (Async, "psycopg"), (Async, "asyncpg")], ids=lambda param: f"{param}")
def user(request: pytest.FixtureRequest, world: PostgresWorld) -> Any:
    kind, driver = request.param
    return kind(world, driver)


def writer(connection: Connection) -> Callable[[str], None]:
    """Gives `write("dana")`: one row, as that actor; "unknown" is nobody. The row says who it is by."""
    ids = itertools.count(1)

    def write(actor: str) -> None:
        with acting_as(ACTORS[actor]) if actor in ACTORS else nullcontext():
            connection.execute(text("INSERT INTO t (x) VALUES (:x)"), {"x": f"{actor} {next(ids)}"})

    return write


def test_each_driver_carries_every_change_of_actor_and_forgets_it_with_the_transaction(
    world: PostgresWorld, user: Any
) -> None:
    def work(connection: Connection) -> None:
        write = writer(connection)
        for actor in ("unknown", "dana", "dana", "kim", "unknown", "kim"):
            write(actor)
        with acting_as(DANA):
            nested = connection.begin_nested()
            write("kim")
            nested.rollback()
            write("kim")
            write("nobody")  # inside dana

    user.use(work)
    entries = world.sealed()
    assert who(entries) == ["unknown", "dana", "dana", "kim", "unknown", "kim", "kim", "dana"] * 2


def test_each_driver_says_of_a_request_without_actor_how_it_arrived(world: PostgresWorld, user: Any) -> None:
    with serving(ip="203.0.113.9", request_id="r1"):
        user.use(lambda connection: writer(connection)("unknown"))
    for entry in world.sealed():
        assert (entry.actor.type, entry.context.ip, entry.context.request_id) == ("unknown", "203.0.113.9", "r1")
        assert entry.metadata["database"]["user"] == "postgres"


@pytest.mark.parametrize("name", ["O'Brien", "back\\slash'", "100%s %(x)s", ":name ::text", "李 😀", "$1 $$"])
def test_each_driver_carries_a_name_of_any_letters(world: PostgresWorld, user: Any, name: str) -> None:
    def work(connection: Connection) -> None:
        with acting_as(Actor(id="a", name=name)):
            writer(connection)("x")
        with acting_as(Actor(id="b", name=name)):
            writer(connection)("x")

    user.use(work)
    assert [entry.actor.name for entry in world.sealed()] == [name] * 4


def test_a_pooled_connection_leaks_nothing_whatever_ended_its_transaction(world: PostgresWorld, engine: Engine) -> None:
    def rolled_back(connection: Connection) -> None:
        connection.rollback()

    def failed(connection: Connection) -> None:
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT 1/0")

    def typed(end: str) -> Callable[[Connection], object]:
        return lambda connection: connection.exec_driver_sql(end)

    def left(_: Connection) -> None:
        """Given back as it is: the pool rolls back."""

    for end in (rolled_back, failed, typed("COMMIT"), typed("ROLLBACK"), left):
        with acting_as(DANA), engine.connect() as connection:
            writer(connection)("dana")
            end(connection)
        with engine.begin() as connection:
            connection.exec_driver_sql(INSERT)
    assert who(world.sealed()) == ["unknown", "unknown", "dana", "unknown", "unknown", "unknown"]


def test_what_is_written_after_a_typed_commit_is_the_actors_or_nobodys(world: PostgresWorld, engine: Engine) -> None:
    """SQLAlchemy does not know that its transaction ended; psycopg begins another by itself."""
    with engine.begin() as connection:
        writer(connection)("dana")
        connection.exec_driver_sql("COMMIT")
        writer(connection)("kim")
        writer(connection)("unknown")
    assert who(world.sealed()) == ["dana", "kim", "unknown"]


def test_a_connection_that_was_lost_is_replaced_and_carries_who_acts(world: PostgresWorld, engine: Engine) -> None:
    with acting_as(DANA), engine.connect() as connection:
        writer(connection)("dana")
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        world.run("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(DBAPIError):
            writer(connection)("dana")
    with acting_as(KIM), engine.begin() as connection:
        writer(connection)("kim")
    assert who(world.sealed()) == ["kim"]


def test_sessions_and_connections_in_autocommit(world: PostgresWorld, engine: Engine) -> None:
    with acting_as(DANA), Session(engine) as session:
        session.execute(text(INSERT))
        session.commit()
        session.execute(text(INSERT))
        session.commit()
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with acting_as(KIM), alone.connect() as connection:
        connection.exec_driver_sql(INSERT)
    with engine.begin() as connection:
        connection.exec_driver_sql(INSERT)
    assert who(world.sealed()) == ["dana", "dana", "kim", "unknown"]


def test_each_driver_says_who_acts_in_autocommit(world: PostgresWorld, user: Any) -> None:
    world.watch(strict=True)

    def work(connection: Connection) -> None:
        with acting_as(KIM):
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(INSERT)
            connection.exec_driver_sql("COMMIT")
        with acting_as(DANA):
            assert connection.execute(text("INSERT INTO t (x) VALUES (:x) RETURNING x"), {"x": "y"}).all() == [("y",)]
            with pytest.raises(IntegrityError):
                connection.exec_driver_sql("INSERT INTO t OVERRIDING SYSTEM VALUE SELECT * FROM t")
            connection.execute(text("INSERT INTO t (x) VALUES (:x)"), [{"x": "a"}, {"x": "b"}])
            connection.exec_driver_sql("VACUUM t")
        with pytest.raises(DBAPIError, match="nobody is said to"):
            connection.exec_driver_sql(INSERT)

    user.use(work, isolation_level="AUTOCOMMIT")
    assert who(world.sealed()) == ["kim", "dana", "dana", "dana"] * 2


def test_a_connection_taken_from_its_pool_carries_the_actor_and_is_closed(
    world: PostgresWorld, caplog: pytest.LogCaptureFixture
) -> None:
    def work(connection: Connection) -> None:
        connection.detach()
        with acting_as(DANA):
            connection.exec_driver_sql(INSERT)

    Async(world, "asyncpg").use(work)
    assert caplog.records == []
    assert who(world.sealed()) == ["dana", "dana"]


def test_an_engine_attached_late_reaches_the_connections_that_are_pooled_already(world: PostgresWorld) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(world.engine_url, pool_size=1, max_overflow=0)
    with engine.begin() as connection:
        connection.exec_driver_sql(INSERT)
    attach(engine, lambda: None)
    with acting_as(DANA), engine.begin() as connection:
        connection.exec_driver_sql(INSERT)
    engine.dispose()
    assert who(world.sealed()) == ["unknown", "dana"]


@pytest.mark.parametrize(
    "sql", ["ROLLBACK TO s", " rollback to savepoint s", "/* app:shop */ -- a word\nROLLBACK TO s"]
)
def test_a_savepoint_rolled_back_in_plain_text_changes_nobodys_name(world: PostgresWorld, user: Any, sql: str) -> None:
    def work(connection: Connection) -> None:
        with acting_as(DANA):
            connection.exec_driver_sql(INSERT)
            connection.exec_driver_sql("SAVEPOINT s")
            with acting_as(KIM):
                connection.exec_driver_sql(INSERT)
                connection.exec_driver_sql(sql)
                connection.exec_driver_sql(INSERT)
            connection.exec_driver_sql(INSERT)
        connection.exec_driver_sql(sql)
        connection.exec_driver_sql(INSERT)

    user.use(work)
    assert who(world.sealed()) == ["dana", "unknown"] * 2


def test_an_error_is_skipped_outside_of_the_actor_in_whose_name_it_happened(world: PostgresWorld, user: Any) -> None:
    """As an import does it, whose helper acts as the import. `t` has no room for a second row of an id."""

    @acting_as(DANA)
    def put(connection: Connection, id_: int) -> None:
        connection.execute(text("INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (:id, 'dana')"), {"id": id_})

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM t")
        for id_ in (7, 7, 8):
            with suppress(IntegrityError), connection.begin_nested():
                put(connection, id_)
        connection.exec_driver_sql(INSERT)

    user.use(work)
    created = [entry for entry in world.sealed() if entry.operation == "create"]
    assert who(created) == ["dana", "dana", "unknown"] * 2


def test_what_must_come_first_in_a_transaction_comes_first(world: PostgresWorld, user: Any) -> None:
    def work(connection: Connection) -> None:
        with acting_as(DANA):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "serializable"
            connection.exec_driver_sql(INSERT)

    user.use(work)
    assert who(world.sealed()) == ["dana", "dana"]


STEPS = st.sampled_from(["dana", "kim", "unknown", "begin", "rollback", "release"])


@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=12), typed=st.booleans())
def test_whatever_is_nested_each_row_is_attributed_to_who_wrote_it(
    world: PostgresWorld,
    steps: list[str],
    typed: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """Who wrote a row stands in it. Savepoints of SQLAlchemy, or typed as text."""
    engine = world.engine(pool_size=1, max_overflow=0)
    start = world.log.head().size
    with engine.begin() as connection:
        write, stack = writer(connection), 0
        nested: list[Any] = []
        for step in steps:
            if step == "begin":
                stack += 1
                nested.append(connection.exec_driver_sql(f"SAVEPOINT s{stack}") if typed else connection.begin_nested())
            elif step in ("rollback", "release"):
                if stack:
                    verb = "ROLLBACK TO" if step == "rollback" else "RELEASE"
                    point = nested.pop()
                    if typed:
                        connection.exec_driver_sql(f"{verb} s{stack}")
                    elif step == "rollback":
                        point.rollback()
                    else:
                        point.commit()
                    stack -= 1
            else:
                write(step)
    engine.dispose()
    entries = world.sealed()[start:]
    assert who(entries) == [str(entry.changes["x"]["new"]).partition(" ")[0] for entry in entries]
