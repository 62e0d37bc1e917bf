"""Each change is attributed to who made it, to `unknown` when nobody said; never to somebody else."""

import gc
import threading
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, bindparam, column, delete, insert, select, table, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import QueuePool

from indelible.capture.context import acting_as
from indelible.event import Actor
from tests.world import World, who

DANA, KIM = Actor(id="dana", name="Dana Lee", email="dana@acme.test"), Actor(id="kim")
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)"
t = table("t", column("id"), column("x"))


class Base(DeclarativeBase): ...


class Row(Base):
    __tablename__ = "t"
    id: Mapped[int] = mapped_column(primary_key=True)
    x: Mapped[str | None]


def add(connection: Connection, id_: int) -> None:
    connection.execute(insert(t).values(id=id_, x="x"))


@pytest.fixture
def engine(world: World) -> Engine:
    world.watch(T)
    return world.engine(poolclass=QueuePool, pool_size=1, max_overflow=0)


def test_every_way_of_writing_through_sqlalchemy_carries_the_actor(world: World, engine: Engine) -> None:
    with acting_as(DANA, reason="because", source="portal", ip="203.0.113.9", request_id="r1"):
        with Session(engine) as session:
            session.add_all([Row(id=1, x="a"), Row(id=2, x="b")])
            session.commit()
            session.get_one(Row, 1).x = "A"
            session.execute(update(Row).values(x="bulk"))
            session.delete(session.get_one(Row, 2))
            session.commit()
        with engine.begin() as connection:
            connection.execute(insert(t), [{"id": 3, "x": "c"}, {"id": 4, "x": "d"}])
            connection.execute(update(t).where(t.c.id == bindparam("i")).values(x="many"), [{"i": 3}, {"i": 4}])
            connection.execute(text("INSERT INTO t VALUES (5, 'text')"))
            connection.exec_driver_sql("UPDATE t SET x = 'driver' WHERE id = 5")
            connection.execute(text("WITH ids AS (SELECT 5 AS id) DELETE FROM t WHERE id IN (SELECT id FROM ids)"))
            connection.execute(delete(t))
    entries = world.sealed()
    assert len(entries) == 2 + 1 + 2 + 1 + 2 + 2 + 1 + 1 + 1 + 3
    assert {entry.actor for entry in entries} == {DANA}
    assert {(e.reason, e.context.source, e.context.ip, e.context.request_id) for e in entries} == {
        ("because", "portal", "203.0.113.9", "r1")
    }


def test_a_raw_client_is_unknown_before_and_after_a_transaction_of_somebody(world: World, engine: Engine) -> None:
    world.run("INSERT INTO t VALUES (1, 'raw')")
    with acting_as(DANA), engine.begin() as connection:
        add(connection, 2)
    world.run("INSERT INTO t VALUES (3, 'raw')")
    before, between, after = world.sealed()
    assert who([before, between, after]) == ["unknown", "dana", "unknown"]
    assert (after.context.source, after.context.transaction_id) == ("sql", None)


def test_the_context_is_gone_after_a_commit_a_rollback_and_an_error(world: World, engine: Engine) -> None:
    with acting_as(DANA):
        with engine.begin() as connection:
            add(connection, 1)
        assert world.left_open() is None
        with engine.connect() as connection:
            add(connection, 2)
            connection.rollback()
        assert world.left_open() is None
        with engine.connect() as connection:
            add(connection, 3)
            with pytest.raises(IntegrityError):
                add(connection, 3)
        assert world.left_open() is None
        with engine.connect() as connection:
            add(connection, 4)  # neither committed nor rolled back: the pool does it
    assert world.left_open() is None
    assert who(world.sealed()) == ["dana"]


def test_the_innermost_actor_wins_and_the_outer_one_comes_back(world: World, engine: Engine) -> None:
    with engine.begin() as connection:
        add(connection, 1)
        with acting_as(DANA):
            add(connection, 2)
            with acting_as(KIM):
                add(connection, 3)
            add(connection, 4)
        add(connection, 5)
    assert who(world.sealed()) == ["unknown", "dana", "kim", "dana", "unknown"]


def test_a_pooled_connection_does_not_remember_the_last_actor(world: World, engine: Engine) -> None:
    for id_, actor in enumerate([DANA, None, KIM, None, DANA]):
        if actor is None:
            with engine.begin() as connection:
                add(connection, id_)
        else:
            with acting_as(actor), engine.begin() as connection:
                add(connection, id_)
    assert who(world.sealed()) == ["dana", "unknown", "kim", "unknown", "dana"]


def test_a_connection_that_was_dropped_open_comes_back_clean(world: World, engine: Engine) -> None:
    with acting_as(DANA):
        dropped = engine.connect()
        add(dropped, 1)
        del dropped
        gc.collect()
        with engine.begin() as connection:
            add(connection, 2)
    assert who(world.sealed()) == ["dana"]


def test_two_threads_on_one_pool_never_leak_into_each_other(world: World) -> None:
    world.watch(T)
    engine = world.engine(poolclass=QueuePool, pool_size=2, connect_args={"timeout": 30})

    def work(actor: Actor, start: int) -> None:
        for id_ in range(start, start + 60, 3):
            with acting_as(actor), engine.begin() as connection:
                add(connection, id_)
                connection.execute(select(t)).all()
                connection.execute(update(t).where(t.c.id == id_).values(x=actor.id))
            with engine.begin() as connection:
                connection.execute(update(t).where(t.c.id == id_).values(x=None))

    threads = [threading.Thread(target=work, args=(actor, i)) for i, actor in enumerate([DANA, KIM])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = world.sealed()
    expected = {0: "dana", 1: "kim"}
    assert len(entries) == 2 * 20 * 3
    for entry in entries:
        nobody = entry.changes["x"]["new"] is None
        assert who([entry]) == ["unknown" if nobody else expected[int(entry.entity.id) % 3]]


def test_entries_of_one_transaction_share_its_id_and_others_do_not(world: World, engine: Engine) -> None:
    with acting_as(DANA):
        for first in (1, 5):
            with engine.begin() as connection:
                add(connection, first)
                savepoint = connection.begin_nested()
                add(connection, first + 1)
                savepoint.rollback()
                add(connection, first + 2)
                with acting_as(KIM):
                    add(connection, first + 3)
    ids = [entry.context.transaction_id for entry in world.sealed()]
    assert None not in ids
    assert [ids.count(id_) for id_ in ids] == [3] * 6


def test_each_write_of_an_engine_in_autocommit_is_by_who_acts_and_leaves_nobody_behind(world: World) -> None:
    world.watch(T)
    engine = world.engine(isolation_level="AUTOCOMMIT")
    with acting_as(DANA), engine.connect() as connection:
        add(connection, 1)
        assert world.left_open() is None
        connection.execute(insert(t), [{"id": 2, "x": "b"}, {"id": 3, "x": "c"}])
        connection.exec_driver_sql("INSERT INTO t VALUES (?, 'd')", [(4,), (5,)])
        assert connection.exec_driver_sql("UPDATE t SET x = 'e' WHERE id > 4 RETURNING id").all() == [(5,)]
        with acting_as(KIM):
            connection.exec_driver_sql("DELETE FROM t WHERE id = 5")
    with engine.connect() as connection:
        add(connection, 6)
    with acting_as(KIM), Session(engine) as session:
        session.add_all([Row(x="f"), Row(x="g")])  # their ids come from RETURNING
        session.flush()
        assert [row.id for row in session.scalars(select(Row).where(Row.id > 6))] == [7, 8]
    assert world.left_open() is None
    assert who(world.sealed()) == ["dana"] * 6 + ["kim", "unknown", "kim", "kim"]


def test_an_engine_in_autocommit_leaves_what_it_would_without_us(world: World) -> None:
    world.watch(T + "; CREATE TABLE k (p REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    with acting_as(DANA), world.engine(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        with pytest.raises(IntegrityError):
            connection.exec_driver_sql("INSERT INTO t VALUES (?, 'x')", [(1,), (1,), (2,)])
        with pytest.raises(IntegrityError):
            connection.exec_driver_sql("INSERT INTO k VALUES (9)")
        connection.exec_driver_sql("BEGIN")
        add(connection, 3)
        connection.exec_driver_sql("ROLLBACK")
        add(connection, 4)
    assert world.db.execute("SELECT id FROM t").fetchall() == [(1,), (4,)]
    assert who(world.sealed()) == ["dana", "dana"]


def test_watched_strictly_an_engine_in_autocommit_may_write_for_somebody(world: World) -> None:
    world.watch(T, strict=True)
    with world.engine(isolation_level="AUTOCOMMIT").connect() as connection:
        with acting_as(DANA):
            add(connection, 1)
        with pytest.raises(IntegrityError, match="nobody is said to act"):
            add(connection, 2)
    assert who(world.sealed()) == ["dana"]


READS = [
    "WITH n AS (SELECT replace(x, 'a', 'b') AS deleted FROM t) SELECT * FROM n",
    "WITH n AS (SELECT 'insert, delete' AS replace) SELECT * FROM n",
    "EXPLAIN UPDATE t SET x = 'y'",
    "PRAGMA table_info('update')",
]


@pytest.mark.parametrize("sql", READS)
def test_what_only_reads_waits_for_no_writer_and_needs_no_right_to_write(
    world: World, engine: Engine, sql: str
) -> None:
    world.db.execute("PRAGMA journal_mode = WAL")
    world.db.execute("BEGIN IMMEDIATE")
    with acting_as(DANA), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql(sql).all()
        driver: Any = connection.connection.dbapi_connection
        assert not driver.in_transaction


@pytest.mark.usefixtures("world")
def test_a_pragma_runs_as_without_us(engine: Engine) -> None:
    with acting_as(DANA), engine.connect() as connection:
        for mode in ("wal", "delete"):
            assert connection.exec_driver_sql(f"PRAGMA journal_mode = {mode}").scalar() == mode


@pytest.mark.parametrize(
    "sql",
    [
        "/* from a view */ INSERT INTO t VALUES (1, 'x')",
        "WITH n AS (SELECT 1) REPLACE INTO t SELECT 1, 'x' FROM n",
        "WITH n AS (SELECT 1) INSERT /* either way */ OR IGNORE INTO t SELECT 1, 'x' FROM n",
        "with recursive n as (select 0) update t set x = 'z' where id in n",
        "-- all\nWITH n AS (SELECT 0 AS id) DELETE\nFROM t WHERE id IN n",
    ],
)
def test_whatever_begins_a_write_it_carries_the_actor(world: World, engine: Engine, sql: str) -> None:
    world.run("INSERT INTO t VALUES (0, 'raw')")
    with acting_as(DANA), engine.begin() as connection:
        connection.exec_driver_sql(sql)
    assert who(world.sealed()) == ["unknown", "dana"]


def test_rows_that_go_with_a_table_they_refer_to_are_deleted_by_whoever_drops_it(world: World) -> None:
    world.watch("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE k (p REFERENCES p ON DELETE CASCADE)")
    world.run("INSERT INTO p VALUES (1)")
    with world.engine().connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        with acting_as(DANA):
            connection.exec_driver_sql("INSERT INTO k VALUES (1)")
        with acting_as(KIM):
            connection.exec_driver_sql("DROP TABLE p")
        connection.commit()
    created, deleted = world.sealed()[1:]
    assert (who([created, deleted]), deleted.operation) == (["dana", "kim"], "delete")


def test_a_table_that_is_dropped_outside_of_a_transaction_needs_no_commit_with_us_either(world: World) -> None:
    world.watch("CREATE TABLE gone (id INTEGER PRIMARY KEY)")
    with acting_as(DANA), world.engine().connect() as connection:
        connection.exec_driver_sql("DROP TABLE gone")
    assert world.db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'gone'").fetchone() == (0,)


def test_texts_of_any_length_and_kind_fit_into_the_entry(world: World, engine: Engine) -> None:
    hostile = "\x01\ud800🔑" * 30_000
    behind = Actor(id=hostile, name=hostile, email=hostile)
    actor = Actor(id=hostile, name=hostile, email=hostile, on_behalf_of=behind)
    given: dict[str, Any] = {
        "reason": hostile,
        "source": hostile,
        "ip": hostile,
        "user_agent": hostile,
        "request_id": hostile,
    }
    with acting_as(actor, **given), engine.begin() as connection:
        connection.execute(insert(t).values(id=1, x="\x01" * 60_000))
    (entry,) = world.sealed()
    assert entry.actor.type == "user"
    assert isinstance(entry.actor.on_behalf_of, Actor)
    assert entry.metadata == {}


def test_a_connection_taken_from_its_pool_carries_the_actor_and_is_closed(
    world: World, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with acting_as(DANA), engine.connect() as connection:
        connection.detach()
        add(connection, 1)
        connection.commit()
        add(connection, 2)
    assert caplog.records == []
    world.run("INSERT INTO t VALUES (3, 'x')")  # nothing is locked any more
    assert who(world.sealed()) == ["dana", "unknown"]


def test_a_crashed_client_leaves_no_context_behind(world: World, engine: Engine) -> None:
    with acting_as(DANA):
        connection = engine.connect()
        add(connection, 1)
        driver: Any = connection.connection.dbapi_connection
        driver.close()
        connection.invalidate()
        connection.close()
    assert world.left_open() is None
    assert world.sealed() == []
