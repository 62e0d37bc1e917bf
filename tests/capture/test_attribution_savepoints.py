"""A savepoint rolled back over the row that says who acts: neither lost, nor left behind, nor somebody else's."""

import itertools
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from indelible.capture.context import acting_as
from indelible.event import Actor
from tests.world import World, who

ACTORS = {"dana": Actor(id="dana"), "kim": Actor(id="kim")}
T = "CREATE TABLE t (id INTEGER PRIMARY KEY)"


@pytest.fixture
def engine(world: World) -> Engine:
    world.watch(T)
    return world.engine()


def writer(connection: Connection) -> Callable[[str], None]:
    """Gives `write("dana")`: one row, as that actor; "unknown" is nobody."""
    ids = itertools.count(1)

    def write(actor: str) -> None:
        with acting_as(ACTORS[actor]) if actor in ACTORS else nullcontext():
            connection.exec_driver_sql("INSERT INTO t VALUES (?)", (next(ids),))

    return write


def test_nothing_is_left_behind_when_the_savepoint_was_the_last_thing(world: World, engine: Engine) -> None:
    with engine.begin() as connection:
        write = writer(connection)
        write("dana")
        savepoint = connection.begin_nested()
        write("dana")
        savepoint.rollback()
    assert world.left_open() is None
    world.run("INSERT INTO t VALUES (99)")
    assert who(world.sealed()) == ["dana", "unknown"]


def test_nobody_after_a_savepoint_is_not_who_acted_before_it(world: World, engine: Engine) -> None:
    with engine.begin() as connection:
        write = writer(connection)
        write("dana")
        savepoint = connection.begin_nested()
        write("unknown")
        savepoint.rollback()
        write("unknown")
    assert world.left_open() is None
    assert who(world.sealed()) == ["dana", "unknown"]


@pytest.mark.parametrize("sql", ["rollback to s", "/* app:shop */ -- a word\nROLLBACK TO SAVEPOINT s"])
def test_a_savepoint_typed_as_text_changes_nobodys_name(world: World, engine: Engine, sql: str) -> None:
    with engine.begin() as connection:
        write = writer(connection)
        write("dana")
        connection.exec_driver_sql("SAVEPOINT s")
        with acting_as(ACTORS["kim"]):
            write("unknown")  # inside kim
            connection.exec_driver_sql(sql)
            write("unknown")
    assert who(world.sealed()) == ["dana", "kim"]


def test_a_released_savepoint_shows_no_context_to_others(world: World, engine: Engine) -> None:
    """pysqlite begins no transaction for a SAVEPOINT: releasing the outermost one commits."""
    with engine.begin() as connection:
        write = writer(connection)
        with connection.begin_nested():
            write("dana")
        between = world.left_open()
        write("dana")
    assert (between, world.left_open()) == (None, None)
    assert who(world.sealed()) == ["dana", "dana"]


@pytest.mark.parametrize("end", ["COMMIT", "end transaction", " commit", "/* done */ COMMIT"])
def test_a_commit_typed_as_text_leaves_no_context(world: World, engine: Engine, end: str) -> None:
    with engine.connect() as connection:
        writer(connection)("dana")
        connection.exec_driver_sql(end)
        assert world.left_open() is None
    world.run("INSERT INTO t VALUES (99)")
    assert who(world.sealed()) == ["dana", "unknown"]


STEPS = st.sampled_from(["dana", "kim", "unknown", "begin", "rollback", "release"])


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=12))
def test_whatever_is_nested_each_row_is_attributed_to_who_wrote_it(
    world: World, engine: Engine, steps: list[str]
) -> None:
    """The model: a stack of lists; rolling back drops the topmost, releasing joins it to the one below."""
    world.run("DELETE FROM t")
    start = len(world.sealed())
    kept: list[list[str]] = [[]]
    with engine.begin() as connection:
        write = writer(connection)
        for step in steps:
            if step == "begin":
                connection.exec_driver_sql(f"SAVEPOINT s{len(kept)}")
                kept.append([])
            elif step in ("rollback", "release"):
                if len(kept) > 1:
                    verb = "ROLLBACK TO" if step == "rollback" else "RELEASE"
                    top = kept.pop()
                    connection.exec_driver_sql(f"{verb} s{len(kept)}")
                    kept[-1] += top if step == "release" else []
            else:
                write(step)
                kept[-1].append(step)
    assert world.left_open() is None
    assert who(world.sealed()[start:]) == [actor for level in kept for actor in level]
