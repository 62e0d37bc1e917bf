"""Who acts, on psycopg: in the message that begins each transaction, and gone with it."""

import asyncio
import shutil
import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, IsolationLevel
from psycopg.pq import TransactionStatus

from indelible.capture.context import acting_as, serving
from indelible.event import Actor, Entry
from indelible.integrations.psycopg import attach
from tests.capture.postgres.world import PostgresWorld
from tests.postgres import Server, new_folder
from tests.world import who

DANA, KIM = Actor(id="dana", name="Dana Lee", email="dana@acme.test"), Actor(id="kim")
T = "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)"
INSERT = "INSERT INTO t (x) VALUES ('x')"


@pytest.fixture
def world(world: PostgresWorld) -> PostgresWorld:
    world.watch(T)
    return world


def test_each_transaction_carries_who_acts_and_the_next_one_does_not(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA, reason="told to", source="portal", ip="203.0.113.9"):
        db.execute(INSERT)
        db.execute(INSERT)
        db.commit()
    db.execute(INSERT)
    db.commit()
    with acting_as(KIM):
        db.execute(INSERT)
        db.commit()
    entries = world.sealed()
    assert who(entries) == ["dana", "dana", "unknown", "kim"]
    assert entries[0].actor == DANA
    assert (entries[0].reason, entries[0].context.source, entries[0].context.ip) == ("told to", "portal", "203.0.113.9")
    assert entries[0].context.transaction_id == entries[1].context.transaction_id
    assert len({entry.context.transaction_id for entry in entries}) == 3
    assert entries[2].context.source == "sql"


@pytest.mark.parametrize("mode", ["autocommit", "none"])
def test_a_transaction_block_and_a_savepoint_in_it_carry_who_acts(world: PostgresWorld, db: Any, mode: str) -> None:
    db.autocommit = mode == "autocommit"
    with acting_as(DANA), db.transaction():
        db.execute(INSERT)
        with db.transaction():
            db.execute(INSERT)
        with db.transaction(force_rollback=True):
            db.execute(INSERT)
    if not db.autocommit:
        db.commit()
    assert who(world.sealed()) == ["dana", "dana"]


def test_a_cursor_of_another_class_says_who_acts_too(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA):
        db.execute(INSERT)
    with acting_as(KIM):
        psycopg.ClientCursor(db).execute(INSERT)
    psycopg.RawCursor(db).execute(INSERT)
    db.commit()
    with acting_as(KIM):
        psycopg.RawCursor(db).execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    with acting_as(DANA):
        psycopg.ClientCursor(db).execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        psycopg.ClientCursor(db).execute(INSERT)
    db.commit()
    assert who(world.sealed()) == ["dana", "kim", "unknown", "dana"]


def test_in_autocommit_each_write_of_somebody_is_a_transaction(world: PostgresWorld, db: Any) -> None:
    db.autocommit = True
    world.run("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$INSERT INTO t (x) VALUES ('f') RETURNING 1$$")
    with acting_as(DANA):
        assert db.execute("INSERT INTO t (x) VALUES (%s) RETURNING x", ["y"]).fetchall() == [("y",)]
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute("INSERT INTO t OVERRIDING SYSTEM VALUE SELECT * FROM t")
        db.execute("WITH n AS (SELECT 1) UPDATE t SET x = 'z'")
        db.cursor().executemany("INSERT INTO t (x) VALUES (%s)", [("a",), ("b",)])
        db.execute("VACUUM t")
    db.execute(INSERT)
    with acting_as(KIM):
        db.execute("BEGIN")
        db.execute(INSERT)
        assert db.info.transaction_status == TransactionStatus.INTRANS
        db.execute("COMMIT")
        db.execute("SELECT f()")  # told nowhere
    assert db.info.transaction_status == TransactionStatus.IDLE
    assert who(world.sealed()) == ["dana"] * 4 + ["unknown", "kim", "unknown"]


def test_in_autocommit_what_must_stand_alone_does_whatever_words_are_in_it(world: PostgresWorld, db: Any) -> None:
    """In a transaction PostgreSQL refuses each of these."""
    db.autocommit = True
    with acting_as(DANA):
        for sql in ("/* copy */ VACUUM t", "VACUUM t -- UPDATE", 'CREATE DATABASE "update"', 'DROP DATABASE "update"'):
            db.execute(sql)
            assert db.info.transaction_status == TransactionStatus.IDLE
        db.execute(INSERT)
    assert who(world.sealed()) == ["dana"]


def test_in_autocommit_a_transaction_that_is_typed_with_a_write_in_it_is_its_own(world: PostgresWorld, db: Any) -> None:
    db.autocommit = True
    with acting_as(DANA):
        db.execute("BEGIN; INSERT INTO t (x) VALUES ('undone')")
        assert db.info.transaction_status == TransactionStatus.INTRANS
        db.execute("ROLLBACK")
        db.execute("INSERT INTO t (x) VALUES ('there')")
    assert [entry.changes["x"]["new"] for entry in world.sealed()] == ["there"]


@pytest.mark.parametrize("level", [*IsolationLevel, None])
def test_isolation_level_read_only_and_deferrable_are_as_they_were_set(db: Any, level: IsolationLevel | None) -> None:
    db.isolation_level, db.read_only, db.deferrable = level, True, True
    names = ("transaction_isolation", "transaction_read_only", "transaction_deferrable")
    with acting_as(DANA):
        found = [db.execute(f"SHOW {name}").fetchone()[0] for name in names]
        carried = db.execute("SELECT current_setting('indelible.context')").fetchone()[0]
    isolation = level.name.lower().replace("_", " ") if level else "read committed"
    assert found == [isolation, "on", "on"]
    assert '"id":"dana"' in carried


def test_a_begin_that_fails_is_an_error_and_the_connection_goes_on(world: PostgresWorld, db: Any) -> None:
    settings = "SELECT set_config('default_transaction_isolation', 'serializable', false)"
    db.autocommit = True
    db.execute(settings)
    db.autocommit = False
    other = world.client()
    other.execute("SELECT pg_terminate_backend(%s)", (db.info.backend_pid,))
    other.close()
    with acting_as(DANA), pytest.raises(psycopg.OperationalError):
        db.execute(INSERT)
    assert db.closed
    again = psycopg.connect(world.app_url)
    attach(again)
    attach(again)  # repeatable
    with acting_as(KIM):
        again.execute(INSERT)
        again.commit()
    again.close()
    assert who(world.sealed()) == ["kim"]


def test_what_cannot_be_begun_tells_the_servers_own_error(world: PostgresWorld) -> None:
    with psycopg.connect(world.app_url) as db:
        attach(db)
        db.execute("SET default_transaction_read_only = on")
        db.commit()
        with acting_as(DANA):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                db.execute(INSERT)
            db.rollback()
            db.execute("SET default_transaction_read_only = off")
            db.commit()
            db.execute(INSERT)
    assert who(world.sealed()) == ["dana"]


def test_a_failed_transaction_leaves_nobody_behind(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA):
        with pytest.raises(psycopg.errors.DivisionByZero):
            db.execute("SELECT 1/0")
        db.rollback()
        db.execute(INSERT)
        db.rollback()
    db.execute(INSERT)
    db.execute("COMMIT")  # typed
    with acting_as(KIM):
        db.execute(INSERT)
        db.execute("ROLLBACK")
    db.execute(INSERT)
    db.commit()
    assert who(world.sealed()) == ["unknown", "unknown"]


def test_a_savepoint_rolled_back_by_somebody_else_than_who_failed_in_it(world: PostgresWorld, db: Any) -> None:
    with acting_as(DANA):
        db.execute(INSERT)
    db.execute("SAVEPOINT s")
    with acting_as(KIM), pytest.raises(psycopg.errors.DivisionByZero):
        db.execute("SELECT 1/0")
    db.execute("/* enough */ ROLLBACK TO SAVEPOINT s")
    db.execute(INSERT)
    db.execute("SET lock_timeout = 1; INSERT INTO t (x) VALUES ('behind')")
    with acting_as(KIM):
        db.execute("SET lock_timeout = 0; INSERT INTO t (x) VALUES ('behind')")
    db.commit()
    assert who(world.sealed()) == ["dana", "unknown", "unknown", "kim"]


def test_a_request_that_names_nobody_is_unknown_with_its_address_and_the_database_user(
    world: PostgresWorld, db: Any
) -> None:
    with serving(ip="203.0.113.9", request_id="r1", source="portal"):
        db.execute(INSERT)
        db.commit()
    (entry,) = world.sealed()
    assert (entry.actor.type, entry.actor.id, entry.actor.name) == ("unknown", None, "postgres")
    assert (entry.context.ip, entry.context.request_id, entry.context.source) == ("203.0.113.9", "r1", "portal")
    assert entry.metadata["database"]["user"] == "postgres"


def test_asynchronous_connections_carry_who_acts_each_its_own(world: PostgresWorld) -> None:
    async def work(actor: Actor) -> None:
        async with await AsyncConnection.connect(world.app_url) as db:
            attach(db)
            for _ in range(3):
                with acting_as(actor):
                    await db.execute(INSERT)
                    async with db.transaction():
                        await db.execute(INSERT)
                    await db.commit()
                await db.execute("INSERT INTO t (x) VALUES ('nobody')")
                await db.commit()

    async def main() -> None:
        await asyncio.gather(*(work(Actor(id=f"u{i}")) for i in range(5)))

    asyncio.run(main())
    entries = world.sealed()
    assert sorted(who(entries)) == sorted([f"u{i}" for i in range(5)] * 6 + ["unknown"] * 15)
    assert {entry.changes["x"]["new"] for entry in entries if entry.actor.type == "unknown"} == {"nobody"}


STRANGE = [
    "O'Brien",
    "back\\slash",
    "100%s %(x)s %%",
    ":name ::text",
    "Zoë 李 😀",
    'quo"te',
    "a\nb\tc",
    "$1 $$ ?",
    "E'\\x",
]


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_a_name_of_any_letters_arrives_as_it_is(
    postgres: Server, tmp_path: Path, encoding: str, conforming: str
) -> None:
    url = postgres.database(encoding)
    world = PostgresWorld(tmp_path, url)
    world.watch(T)
    with psycopg.connect(url) as db:
        db.execute(f"SET standard_conforming_strings = {conforming}")
        db.commit()
        attach(db)
        for name in STRANGE:
            with acting_as(Actor(id="a", name=name)):
                db.execute(INSERT)
                db.commit()
                db.execute("SELECT 1")
            with acting_as(Actor(id="b", name=name)):
                db.execute(INSERT)
                db.commit()
    names = [entry.actor.name for entry in world.sealed()]
    world.close()
    postgres.drop(url)
    assert names == [name for each in STRANGE for name in (each, each)]


def unclaimed(world: PostgresWorld) -> Entry:
    (entry,) = world.sealed()
    return entry


def test_without_a_context_the_database_tells_who_was_connected(world: PostgresWorld) -> None:
    app = world.role("app", "GRANT INSERT ON t TO {}")
    boss = world.role("boss", "GRANT " + app + " TO {}")
    with world.client(boss, application_name="nightly") as db:
        db.execute(f"SET ROLE {app}")
        db.execute(INSERT)
    entry = unclaimed(world)
    assert (entry.actor.type, entry.actor.name) == ("unknown", app)
    assert entry.metadata["database"] == {"user": boss, "role": app, "application": "nightly"}
    assert (entry.context.source, entry.context.ip) == ("sql", None)  # a unix socket has no address


def test_a_client_of_the_network_is_known_by_its_address(tmp_path: Path) -> None:
    folder = new_folder()
    server = Server.start(folder, free_port())
    world = PostgresWorld(tmp_path, server.url())
    world.watch(T)
    with psycopg.connect(world.app_url, host="127.0.0.1", autocommit=True) as db:
        db.execute(INSERT)
    assert unclaimed(world).context.ip == "127.0.0.1"
    world.close()
    server.stop()
    shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_context_set_by_hand_that_cannot_be_read_attributes_to_nobody(world: PostgresWorld) -> None:
    for text in ("{}", "[", "\x01", '{"actor":{"type":"root"}}', "[" * 30_000):
        world.run("SELECT set_config('indelible.context', %s, false)", (text,))
        world.run(INSERT)
    world.run("RESET indelible.context")
    entries = world.sealed()
    assert who(entries) == ["unknown"] * 5
    assert all(entry.metadata["unreadable_context"] for entry in entries)


class TestStrict:
    @pytest.fixture
    def world(self, world: PostgresWorld) -> PostgresWorld:
        world.watch(strict=True)
        return world

    @pytest.mark.parametrize(
        "sql", [INSERT, "UPDATE t SET x = 'y'", "DELETE FROM t", "TRUNCATE t", "INSERT INTO t (x) SELECT 'x' FROM t"]
    )
    def test_what_nobody_claims_is_refused_and_how_to_is_said(self, world: PostgresWorld, db: Any, sql: str) -> None:
        with acting_as(DANA):
            db.execute(INSERT)
            db.commit()
        with pytest.raises(psycopg.errors.RaiseException, match="nobody is said to make this change") as caught:
            world.run(sql)
        assert caught.value.diag.message_hint == "Make it inside acting_as(...)."
        with serving(ip="203.0.113.9"), pytest.raises(psycopg.errors.RaiseException, match="nobody is said"):
            db.execute(sql)
        db.rollback()
        with acting_as(KIM):
            db.execute(sql)
            db.commit()
        assert set(who(world.sealed())) == {"dana", "kim"}

    def test_a_statement_that_touches_no_row_needs_nobody(self, world: PostgresWorld) -> None:
        world.run("UPDATE t SET x = 'y'")
        world.run("DELETE FROM t")
        assert world.sealed() == []


def test_attach_refuses_a_psycopg_it_does_not_know() -> None:
    from indelible.errors import CaptureError

    with pytest.raises(CaptureError, match=r"Use version 3\.2 or 3\.3"):
        attach(object())  # type: ignore[arg-type]


def test_status_after_a_begin_is_as_without_us(db: Any) -> None:
    with acting_as(DANA):
        db.execute("SELECT 1")
        assert db.info.transaction_status == TransactionStatus.INTRANS
        db.commit()
        assert db.info.transaction_status == TransactionStatus.IDLE
