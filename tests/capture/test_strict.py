"""Watched strictly, the database refuses a change that nobody claims, and is none the slower for it."""

import sqlite3
import time

import pytest
from sqlalchemy.exc import IntegrityError

from indelible.capture.context import acting, acting_as, carry, new_transaction, serving
from indelible.capture.sqlite.carry import CLEAR, SET
from indelible.event import Actor
from tests.world import World, who

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x)"
REFUSED = r"indelible: nobody is said to act. Write inside acting_as\(...\), or watch without strict"


def names(world: World) -> list[str]:
    return [name for (name,) in world.db.execute("SELECT name FROM sqlite_master")]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (2, 'x')",
        "INSERT OR IGNORE INTO t VALUES (2, 'x')",
        "REPLACE INTO t VALUES (1, 'x')",
        "UPDATE OR IGNORE t SET x = 'x'",
        "DELETE FROM t",
    ],
)
def test_a_raw_client_is_refused_and_nothing_of_its_statement_stays(world: World, sql: str) -> None:
    world.watch(T)
    world.run("INSERT INTO t VALUES (1, 'before')")
    world.watch(strict=True)
    with pytest.raises(sqlite3.IntegrityError, match=REFUSED):
        world.run(sql)
    assert world.db.execute("SELECT * FROM t").fetchall() == [(1, "before")]
    assert len(world.sealed()) == 1


def test_who_acts_may_write_and_nobody_after_them(world: World) -> None:
    world.watch(T, strict=True)
    engine = world.engine()
    with acting_as(Actor(id="dana")), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1, 'x')")
        connection.exec_driver_sql("UPDATE t SET x = 'y'")
        connection.exec_driver_sql("DELETE FROM t")
    with pytest.raises(IntegrityError, match=REFUSED), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1, 'x')")
    with pytest.raises(sqlite3.IntegrityError, match=REFUSED):
        world.run("INSERT INTO t VALUES (1, 'x')")
    assert who(world.sealed()) == ["dana"] * 3


def test_a_request_in_which_nobody_has_said_who_acts_is_refused(world: World) -> None:
    world.watch(T, strict=True)
    with pytest.raises(IntegrityError, match=REFUSED), serving(source="portal"), world.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1, 'x')")
    with serving(source="portal"), acting_as(Actor(id="dana")), world.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1, 'x')")
    assert who(world.sealed()) == ["dana"]


def test_what_changes_nothing_is_not_refused(world: World) -> None:
    world.watch(T, strict=True)
    world.run("UPDATE t SET x = x")
    world.run("DELETE FROM t WHERE id = 9")
    assert world.sealed() == []


def test_watching_without_strict_lets_everybody_write_again(world: World) -> None:
    world.watch(T, strict=True)
    assert "indelible_outbox_context" in names(world)
    world.watch()
    assert "indelible_outbox_context" not in names(world)
    world.run("INSERT INTO t VALUES (1, 'x')")
    assert who(world.sealed()) == ["unknown"]


def test_deep_in_a_large_transaction_the_question_costs_what_it_did_at_first(world: World) -> None:
    world.watch(T, strict=True)
    world.db.execute("BEGIN")
    with acting_as(Actor(id="dana")):
        world.db.execute(SET, (carry(new_transaction(), acting() or ""),))

    def insert(first: int) -> float:
        start = time.perf_counter()
        world.db.executemany("INSERT INTO t VALUES (?, 'x')", [(i,) for i in range(first, first + 1000)])
        return time.perf_counter() - start

    early = min(insert(first) for first in range(0, 3000, 1000))
    late = min(insert(first) for first in range(3000, 40_000, 1000))
    world.db.execute(CLEAR)
    world.db.commit()
    assert late < 4 * early, "walking back to who acts would be some 30,000 rows for each"
