"""Who acts, on psycopg, where that changes within a transaction, and in pipelines."""

from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import sql

from indelible.capture.context import acting_as
from indelible.integrations.psycopg import attach
from tests.capture.postgres.test_context import DANA, INSERT, KIM, T
from tests.capture.postgres.world import PostgresWorld
from tests.world import who


@pytest.fixture
def world(world: PostgresWorld) -> PostgresWorld:
    world.watch(T)
    return world


def test_a_change_of_actor_midway_is_said_by_a_statement(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA):
        db.execute(INSERT)
        with acting_as(KIM):
            db.execute(INSERT)
            db.execute("SAVEPOINT s")
        db.execute(INSERT)
        db.execute("ROLLBACK TO s")
        db.execute(INSERT)
    db.execute(INSERT)
    db.commit()
    assert who(world.sealed()) == ["dana", "kim", "dana", "unknown"]


@pytest.mark.parametrize(
    "rollback", ["ROLLBACK TO s", b" rollback to s", sql.SQL("ROLLBACK TO {}").format(sql.Identifier("s"))]
)
def test_what_a_savepoint_takes_back_is_said_again(world: PostgresWorld, db: Any, rollback: Any) -> None:
    with acting_as(DANA):
        db.execute("SAVEPOINT s")
        with acting_as(KIM):
            db.execute(INSERT)
            db.execute(rollback)
            db.execute(INSERT)
        with suppress(ZeroDivisionError), db.transaction(), acting_as(KIM):
            db.execute(INSERT)
            raise ZeroDivisionError
        with acting_as(KIM):
            db.execute(INSERT)
        db.execute(INSERT)
        db.commit()
    assert who(world.sealed()) == ["kim", "kim", "dana"]


def test_a_transaction_begun_in_plain_text_says_who_acts_by_a_statement(world: PostgresWorld, db: Any) -> None:
    db.autocommit = True
    with acting_as(DANA):
        for _ in range(2):
            db.execute("BEGIN")
            db.execute(INSERT)
            db.execute("COMMIT")
        db.execute(INSERT)
        db.execute("COMMIT")  # of nothing
    db.execute(INSERT)
    assert who(world.sealed()) == ["dana", "dana", "dana", "unknown"]


def test_each_commit_is_told(world: PostgresWorld) -> None:
    told: list[str] = []
    with psycopg.connect(world.app_url) as db:
        attach(db, lambda: told.append("committed"))
        with db.transaction():
            db.execute(INSERT)
        assert told == ["committed"]
        db.execute(INSERT)
        db.rollback()
        assert told == ["committed"]
        db.execute(INSERT)
    assert told == ["committed"] * 2


def test_a_cursor_of_the_servers_that_writes_says_who_acts(world: PostgresWorld, db: Any) -> None:
    world.run("CREATE FUNCTION add() RETURNS integer LANGUAGE sql AS $$ INSERT INTO t (x) VALUES ('f') RETURNING 1 $$")
    db.execute("SELECT 1")
    with acting_as(DANA), db.cursor("c") as cursor:
        assert cursor.execute("SELECT add()").fetchall() == [(1,)]
    db.commit()
    assert who(world.sealed()) == ["dana"]


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_pipeline_carries_who_acts(world: PostgresWorld, db: Any, autocommit: bool) -> None:  # noqa: FBT001
    db.autocommit = autocommit
    with db.pipeline() as pipeline:
        with acting_as(DANA):
            db.execute(INSERT)
            db.execute(INSERT)
            pipeline.sync()
            db.execute(INSERT)
        with acting_as(KIM):
            db.execute(INSERT)
        db.execute(INSERT)
        db.commit()
    with acting_as(DANA):
        db.cursor().executemany("INSERT INTO t (x) VALUES (%s)", [("a",), ("b",)])
        db.commit()
    db.execute(INSERT)
    db.commit()
    assert who(world.sealed()) == ["dana", "dana", "dana", "kim", "unknown", "dana", "dana", "unknown"]


def test_a_pipeline_of_a_transaction_that_has_begun_carries_who_acts(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA), db.transaction(), db.pipeline():
        db.execute(INSERT)
        db.execute(INSERT)
    assert who(world.sealed()) == ["dana", "dana"]
