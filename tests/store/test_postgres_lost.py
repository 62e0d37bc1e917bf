"""Connections that are lost, commits of which nobody hears, servers that are killed: nothing is lost or doubled."""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indelible.errors import LogError
from indelible.log import Log
from indelible.store.postgres.store import PostgresStore
from indelible.store.promise import Head, Store
from tests.capture.postgres.world import PostgresWorld
from tests.checking import check, check_signed
from tests.postgres import SETTINGS, Server, new_folder
from tests.store.test_log import happened
from tests.world import World

CRASHES = 6  # of a round
ROUNDS = range(int(os.environ.get("INDELIBLE_ROUNDS", "1")))


@pytest.fixture
def log(pg_url: str) -> Iterator[Log]:
    with Log.create(pg_url, "audit.example/test") as log:
        log.append(happened() for _ in range(3))
        yield log


def end_all(url: str) -> None:
    """As a server's administrator, or a network, can: every connection but this."""
    with psycopg.connect(url) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_that_were_lost_while_idle_are_made_anew(log: Log, pg_url: str) -> None:
    for _ in range(3):
        end_all(pg_url)
        assert log.head().size == len(check_signed(log))
        end_all(pg_url)
        log.append([happened()])
    assert len(check_signed(log)) == 6


def test_a_connection_lost_within_a_transaction_leaves_nothing_of_it(log: Log, pg_url: str) -> None:
    def lose_it() -> None:
        with log.appending() as appending:
            appending.add(happened())
            end_all(pg_url)

    with pytest.raises(LogError, match="cannot be used"):
        lose_it()
    assert len(check_signed(log)) == 3
    log.append([happened()])
    assert len(check_signed(log)) == 4


def test_an_interrupt_within_a_statement_leaves_the_log_usable(log: Log) -> None:
    """As Ctrl-C does: the connection is in the middle of something."""

    def interrupted() -> None:
        with log.appending() as appending:
            appending.add(happened())
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            appending._db.execute("SELECT pg_sleep(20)")  # type: ignore[attr-defined]  # on a server it has one

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    log.append([happened()])
    assert len(check_signed(log)) == 4


class Wire:
    """A connection that is lost at one statement, before it is done or behind it."""

    def __init__(self, real: Any, statement: str, *, done: bool) -> None:
        self._real = real
        self._statement = statement
        self._done = done

    def execute(self, sql: Any, *values: Any) -> Any:
        text = sql if isinstance(sql, str) else sql.decode()
        if not text.startswith(self._statement):
            return self._real.execute(sql, *values)
        if self._done:
            self._real.execute(sql, *values)
        self._real.close()
        raise psycopg.OperationalError("the connection was lost")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def cut(log: Log, statement: str, *, done: bool) -> None:
    store = log.store
    assert isinstance(store, PostgresStore)
    tables, dictionary = store._writer._connect()
    tables.db = Wire(tables.db, statement, done=done)  # type: ignore[assignment]  # it stands for one
    if store._writer._held is not None:
        store._writer._held[0].db.close()
    store._writer._held = tables, dictionary


@pytest.fixture
def world(tmp_path: Path, pg_url: str) -> Iterator[World]:
    made = World(tmp_path, pg_url)
    made.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    with made.db:
        made.db.executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "b" * 20_000), (3, "c")])
    yield made
    made.close()


STATEMENTS = ["SELECT size", "SELECT found", "SELECT coalesce", "UPDATE indelible_log.head", "COMMIT", "WITH added"]


@pytest.mark.parametrize("done", [False, True], ids=["fails", "fails but is done"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_statement_that_fails_costs_a_pass_and_nothing_else(world: World, statement: str, *, done: bool) -> None:
    cut(world.log, statement, done=done)
    with pytest.raises(LogError):
        world.sealer.seal()
    check(world.log)
    world.sealer.seal()
    assert sorted(entry.entity.id for entry in check_signed(world.log)) == ["1", "2", "3"]
    assert world.waiting() == 0


def test_a_commit_nobody_heard_of_says_that_it_may_be_done(log: Log) -> None:
    event = happened()
    cut(log, "COMMIT", done=True)
    with pytest.raises(LogError, match="Look for it before it is written again"):
        log.append([event])
    assert log.knows(event.id, 4)
    with pytest.raises(LogError, match="each once"):
        log.append([event])
    log.sign()
    assert len(check_signed(log)) == 4


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own, that may be killed. Its log's transactions are to be durable though its settings are not."""
    folder = new_folder()
    made = Server.start(folder, settings=SETTINGS | {"full_page_writes": "on"})
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_server_killed_at_any_moment_has_what_was_acknowledged(server: Server, round_: int) -> None:
    dice = random.Random(round_)  # noqa: S311 - moments, not secrets
    acknowledged: list[str] = []
    with Log.create(server.database(), "audit.example/test") as log:
        for _ in range(CRASHES):
            stopped = threading.Event()

            def work(log: Log = log, stopped: threading.Event = stopped) -> None:
                while not stopped.is_set():
                    events = [happened() for _ in range(7)]
                    try:
                        log.append(events)
                    except LogError:
                        return
                    acknowledged.extend(str(event.id) for event in events)

            writers = [threading.Thread(target=work) for _ in range(4)]
            for writer in writers:
                writer.start()
            time.sleep(dice.uniform(0.001, 0.2))
            server.crash()
            stopped.set()
            for writer in writers:
                writer.join()
            server.again()
            log.sign()
            entries = check_signed(log)
            assert set(acknowledged) <= {str(entry.id) for entry in entries}
            assert len(entries) % 7 == 0


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_server_killed_while_it_is_sealed_from_loses_and_doubles_nothing(
    server: Server, tmp_path: Path, round_: int
) -> None:
    """The application's tables and the log are in one database; the sealer's thread lives through it."""
    dice, url, done = random.Random(round_), server.database(), 0  # noqa: S311 - likewise
    world = PostgresWorld(tmp_path, url, url)
    try:
        world.watch("CREATE TABLE t (id integer PRIMARY KEY)")
        world.sealer.start()
        for _ in range(CRASHES // 2):
            world.db.execute("SET synchronous_commit = on")
            until = time.monotonic() + dice.uniform(0.001, 0.2)
            while time.monotonic() < until:
                world.db.execute("INSERT INTO t VALUES (%s), (%s)", (done, done + 1))
                done += 2
            server.crash()
            server.again()
            world.db.close()
            world.db = psycopg.connect(url, autocommit=True)
        world.sealer.stop()
        world.sealed()
        assert sorted(int(entry.entity.id) for entry in check_signed(world.log)) == list(range(done))
    finally:
        world.close()


@pytest.fixture
def held(pg_url: str, log: Log) -> Iterator[psycopg.Connection[Any]]:  # noqa: ARG001 - its tables
    """Notes of size 4 wait as they are added, behind the snapshot of their statement, until this lets go of a lock."""
    with psycopg.connect(pg_url, autocommit=True) as db:
        for table, size in (("checkpoint", "size"), ("organization_checkpoint", "log_size")):
            db.execute(
                f"CREATE FUNCTION a_{table}() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_advisory_lock(1); PERFORM pg_advisory_unlock(1); RETURN NEW; END $$;"
                f"CREATE TRIGGER a BEFORE INSERT ON indelible_log.{table} FOR EACH ROW WHEN (NEW.{size} = 4) "
                f"EXECUTE FUNCTION a_{table}()".encode()
            )
        db.execute("SELECT pg_advisory_lock(1)")
        yield db


@pytest.mark.parametrize("of", ["log", "organization"])
def test_a_checkpoint_that_another_process_surpasses_as_it_is_added_is_passed_over(
    held: psycopg.Connection[Any], log: Log, pg_url: str, of: str
) -> None:
    """Else an append would be refused, whose entry is in the log."""

    def add(store: Store, size: int) -> None:
        if of == "log":
            store.add_checkpoint(size, f"note {size}")
        else:
            store.add_organization_checkpoint("acme", size, f"note {size}")

    with ThreadPoolExecutor() as pool, Log.open(pg_url) as another:
        slower = pool.submit(add, log.store, 4)
        while held.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone() is None:
            time.sleep(0.01)
        add(another.store, 5)
        held.execute("SELECT pg_advisory_unlock(1)")
        assert slower.result(10) is None
        kept = log.store.newest_checkpoint() if of == "log" else log.store.newest_organization_checkpoint("acme")
        assert kept == (5, "note 5")


def test_what_another_process_appends_and_signs_as_a_head_is_signed_is_not_taken_for_lost(
    log: Log, pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, with a memory of its own."""
    shutil.copytree(tmp_path / "keys", tmp_path / "other")
    monkeypatch.setenv("INDELIBLE_KEYS", str(tmp_path / "other"))
    with Log.open(pg_url) as another:
        settled = log.store.settled

        def and_another_one() -> Head:
            head = settled()
            another.append([happened()])
            return head

        log.append([happened()])
        monkeypatch.setattr(log.store, "settled", and_another_one)
        assert log.sign() == 4
        assert log.signed_size() == 5
