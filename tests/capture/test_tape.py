"""Who acts is a row among the changes: it says who made those after it, however they are read and dropped."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from indelible.capture.context import acting_as
from indelible.capture.source import Batch
from indelible.capture.sqlite.carry import CLEAR, SET
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.event import Actor
from indelible.integrations.sqlalchemy import attach
from tests.world import World, who

DANA, KIM = Actor(id="dana"), Actor(id="kim")
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)"
ADD = "INSERT INTO t (x) VALUES ('x')"


def rows(world: World) -> list[Any]:
    with world.db:
        return world.db.execute("SELECT id, operation, context FROM indelible_outbox ORDER BY id").fetchall()


def test_a_pass_that_ends_between_two_batches_loses_nobodys_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indelible.capture.sqlite.outbox.BATCH", 2)
    world.watch(T)
    for actor in (DANA, KIM):
        with acting_as(actor), world.engine().begin() as connection:
            for _ in range(5):
                connection.exec_driver_sql(ADD)
    world.run(ADD)
    while world.waiting():
        world.sealer._seal(lambda: True)  # one batch, as a process that is stopped then
        world.let_go()
    assert who(world.sealed()) == ["dana"] * 5 + ["kim"] * 5 + ["unknown"]


def test_what_says_who_acts_is_no_record_and_does_not_pile_up(world: World) -> None:
    world.watch(T)
    engine = world.engine()
    for _ in range(3):
        with acting_as(DANA), engine.begin() as connection:
            connection.exec_driver_sql(ADD)
        with acting_as(DANA), engine.begin() as connection:
            connection.exec_driver_sql("UPDATE t SET x = 'y' WHERE id = 99")  # nothing
    assert world.sealer.health()["pending"] == 3
    assert who(world.sealed()) == ["dana"] * 3
    assert world.sealer.health() | {"seal_lag_seconds": 0} == {
        "status": "ok", "size": 3, "signed": 3, "pending": 0, "seal_lag_seconds": 0,
    }  # fmt: skip
    assert [row[1:] for row in rows(world)] == [("context", None)]


def test_a_pass_with_nothing_to_do_writes_nothing(world: World) -> None:
    world.watch(T)
    world.run(ADD)
    world.sealed()
    other = SQLiteOutbox(world.app)
    other.changed()
    assert world.sealer.seal() == 0
    assert not other.changed()
    other.close()


def test_an_actor_that_the_drivers_own_commit_left_behind_is_nobody_after_the_next_pass(world: World) -> None:
    world.watch(T)
    with acting_as(DANA), world.engine().connect() as connection:
        connection.exec_driver_sql(ADD)
        driver: Any = connection.connection.dbapi_connection
        driver.commit()
    assert world.left_open() is not None
    world.sealed()
    assert world.left_open() is None
    world.run(ADD)
    assert who(world.sealed()) == ["dana", "unknown"]


def test_an_actor_that_the_drivers_own_commit_left_behind_is_nobody_in_the_next_transaction(world: World) -> None:
    world.watch(T)
    engine = world.engine()
    with acting_as(DANA), engine.connect() as connection:
        connection.exec_driver_sql(ADD)
        driver: Any = connection.connection.dbapi_connection
        driver.commit()
        connection.exec_driver_sql(ADD)  # another transaction, of the same actor
        driver.commit()
    with engine.begin() as connection:
        connection.exec_driver_sql(ADD)
    entries = world.sealed()
    assert who(entries) == ["dana", "dana", "unknown"]
    assert entries[0].context.transaction_id != entries[1].context.transaction_id


def test_an_asynchronous_engine_carries_the_actor(world: World) -> None:
    world.watch(T)

    async def work() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{world.app}")
        attach(engine.sync_engine, lambda: None)
        with acting_as(DANA):
            async with engine.begin() as connection:
                await connection.execute(text(ADD))
                async with connection.begin_nested():
                    await connection.execute(text(ADD))
        async with engine.begin() as connection:
            await connection.execute(text(ADD))
        await engine.dispose()

    asyncio.run(work())
    assert world.left_open() is None
    assert who(world.sealed()) == ["dana", "dana", "unknown"]


class Reader:
    """A sealer's half that touches the outbox: reads a batch, drops it or is killed first, reads on."""

    held: Batch | None = None
    batches: Iterator[Batch] = iter(())

    def __init__(self, world: World, told: dict[int, object]) -> None:
        self.outbox = SQLiteOutbox(world.app)
        self.told = told

    def read(self) -> None:
        self.held = next(self.batches, None)
        if self.held is None:
            self.batches = self.outbox.batches()
            return
        for record in self.held.records:
            self.told.setdefault(record.row["id"], record.context)  # a record that is known already is not sealed again

    def drop(self) -> None:
        if self.held is not None:
            assert self.outbox.drop(self.held)
        self.held = None

    def die(self) -> None:
        self.held, self.batches = None, iter(())


ACTS = st.tuples(st.sampled_from(["dana", "kim", None]), st.integers(0, 4))
STEPS = st.one_of(ACTS, st.tuples(st.sampled_from(["read", "drop", "die"]), st.integers(0, 1)))


@settings(max_examples=150)
@given(steps=st.lists(STEPS, max_size=40))
def test_two_sealers_and_any_order_of_reading_dropping_and_dying_mistake_nobody(
    world: World, steps: list[tuple[Any, int]]
) -> None:
    if not world.db.execute("SELECT 1 FROM sqlite_master").fetchone():
        world.watch(T)
    world.db.execute("DELETE FROM t")
    world.db.execute("DELETE FROM indelible_outbox WHERE operation <> 'context'")
    world.db.commit()
    told: dict[int, object] = {}
    wrote: dict[int, object] = {}
    readers = [Reader(world, told), Reader(world, told)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indelible.capture.sqlite.outbox.BATCH", 3)
        for what, number in [*steps, *[("read", 0), ("drop", 0)] * 200]:
            if what in ("read", "drop", "die"):
                getattr(readers[number], what)()
                continue
            with world.db:
                if what:
                    world.db.execute(SET, (what,))
                for _ in range(number):
                    wrote[len(wrote) + 1] = what
                    world.db.execute("INSERT INTO t VALUES (?, 'x')", (len(wrote),))
                if what:
                    world.db.execute(CLEAR)
    assert told == wrote
    assert [row[1:] for row in rows(world)] == [("context", None)]
    for reader in readers:
        reader.outbox.close()


def test_a_database_watched_by_the_first_format_is_brought_up_to_date(world: World) -> None:
    """Rows that wait keep their actor; a table that is not watched again keeps being recorded."""
    world.db.executescript(FIRST)
    world.db.execute("INSERT INTO indelible_context VALUES (1, ?)", (carried("dana"),))
    world.db.execute("INSERT INTO t VALUES (1, 'x')")
    world.db.execute("INSERT INTO u VALUES (1)")
    world.db.execute("DELETE FROM indelible_context")
    world.db.execute("INSERT INTO t VALUES (2, 'x')")
    world.db.commit()
    world.watch(tables=["t"])
    with acting_as(KIM), world.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (3, 'x')")
        connection.exec_driver_sql("INSERT INTO u VALUES (2)")
    world.run("INSERT INTO t VALUES (4, 'x')")
    names = [name for (name,) in world.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "indelible_context" not in names
    entries = world.sealed()
    assert who(entries) == ["dana", "dana", "unknown", "kim", "kim", "unknown"]
    assert [entry.action for entry in entries] == [
        "T_CREATED", "U_CREATED", "T_CREATED", "T_CREATED", "U_CREATED", "T_CREATED",
    ]  # fmt: skip


def carried(id_: str) -> str:
    return "0" * 32 + f'{{"actor":{{"id":"{id_}"}}}}'


FIRST = """
CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);
CREATE TABLE u (id INTEGER PRIMARY KEY);
CREATE TABLE indelible_source (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), id TEXT NOT NULL);
INSERT INTO indelible_source VALUES (1, '6d8a8f0e-5f0c-4a43-9d1f-3b8f8a1f0001');
CREATE TABLE indelible_watch (id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, definition TEXT NOT NULL);
INSERT INTO indelible_watch VALUES
  (1, 't', '{"table":"t","columns":[{"name":"id","kind":"integer"},{"name":"x"}],"key":["id"],"row_key":["id"],
  "map":{"entity":"T","action":"T"}}'),
  (2, 'u', '{"table":"u","columns":[{"name":"id","kind":"integer"}],"key":["id"],"row_key":["id"],
  "map":{"entity":"U","action":"U"}}');
CREATE TABLE indelible_context (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body TEXT NOT NULL);
CREATE TABLE indelible_outbox (
  id INTEGER PRIMARY KEY, token INTEGER NOT NULL, watch INTEGER NOT NULL,
  operation TEXT NOT NULL, at REAL NOT NULL, context TEXT, o0, n0, o1, n1);
CREATE TRIGGER "indelible_create_t" AFTER INSERT ON "t" FOR EACH ROW BEGIN
  INSERT INTO indelible_outbox (token, watch, operation, at, context, n0, n1) VALUES
  (random(), 1, 'create', julianday('now'), (SELECT body FROM indelible_context), NEW."id", NEW."x"); END;
CREATE TRIGGER "indelible_create_u" AFTER INSERT ON "u" FOR EACH ROW BEGIN
  INSERT INTO indelible_outbox (token, watch, operation, at, context, n0) VALUES
  (random(), 2, 'create', julianday('now'), (SELECT body FROM indelible_context), NEW."id"); END;
"""
