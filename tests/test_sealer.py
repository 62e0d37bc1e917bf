"""Exactly once: wherever a pass fails, or fails to hear that it succeeded, the next one makes everything right."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import apsw
import pytest

from indelible import sealer
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.errors import Error, LogError
from indelible.log import Log
from indelible.store.dictionary import Dictionary
from indelible.store.sqlite.store import SQLiteStore
from indelible.store.sqlite.tables import Tables
from indelible.upkeep import Upkeep
from tests.checking import check, on_sqlite
from tests.world import World

ROWS = 5
BREAKS = "no: the test broke it here"


@pytest.fixture
def world(world: World) -> World:
    """A log with history, and five changes in the outbox."""
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    world.run("INSERT INTO t VALUES (100, 'before')")
    world.sealed()
    with world.db:
        world.db.executemany("INSERT INTO t VALUES (?, 'x')", [(i,) for i in range(ROWS)])
    return world


class Wire:
    """A connection whose far side fails at one statement: before it is done, or after."""

    def __init__(self, real: Any, statement: str, *, done: bool) -> None:
        self._real, self._statement, self._done = real, statement, done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _call(self, method: str, sql: str, values: tuple[Any, ...]) -> Any:
        hit = sql.lstrip().startswith(self._statement)
        if hit and not self._done:
            raise self._error()
        result = getattr(self._real, method)(sql, *values)
        if hit:
            raise self._error()
        return result

    def _error(self) -> Exception:
        return sqlite3.OperationalError(BREAKS) if isinstance(self._real, sqlite3.Connection) else apsw.IOError(BREAKS)

    def execute(self, sql: str, *values: Any) -> Any:
        return self._call("execute", sql, values)

    def executemany(self, sql: str, *values: Any) -> Any:
        return self._call("executemany", sql, values)


def _write_by(store: SQLiteStore, connection: Any) -> None:
    store._writer = connection
    store._dictionary = Dictionary(Tables(connection))


def log_wire(statement: str, *, done: bool) -> Callable[[World], Any]:
    def cut(world: World) -> None:
        store = on_sqlite(world.log)
        _write_by(store, Wire(store._writer, statement, done=done))

    return cut


def outbox_wire(statement: str, *, done: bool) -> Callable[[World], Any]:
    def cut(world: World) -> None:
        outbox = world.sealer._outbox
        assert isinstance(outbox, SQLiteOutbox)
        outbox._db = Wire(outbox._db, statement, done=done)  # type: ignore[assignment]

    return cut


def no_room_for_state(world: World) -> None:
    """The disk has no room: the signer's new state cannot be written beside the old one."""
    (world.folder / "audit.db.key.state.new").mkdir()


FAULTS = {
    "no transaction": log_wire("BEGIN", done=False),
    "the first leaf is refused": log_wire("INSERT INTO leaf", done=False),
    "the first leaf is written, reported as failed": log_wire("INSERT INTO leaf", done=True),
    "the index is refused": log_wire("INSERT INTO entry (", done=False),
    "the dictionary is refused": log_wire("INSERT INTO entity (", done=False),
    "the head is not moved": log_wire("UPDATE head", done=False),
    "the head is moved, reported as failed": log_wire("UPDATE head", done=True),
    "the commit failed": log_wire("COMMIT", done=False),
    "the commit was done, reported as failed": log_wire("COMMIT", done=True),
    "the state is not written": no_room_for_state,
    "the state is written, the checkpoint is not stored": log_wire("INSERT INTO checkpoint", done=False),
    "the checkpoint is stored, reported as failed": log_wire("INSERT INTO checkpoint", done=True),
    "the outbox is not read": outbox_wire("SELECT", done=False),
    "the outbox gives no transaction": outbox_wire("BEGIN", done=False),
    "the delete failed": outbox_wire("DELETE", done=False),
    "the delete was done, reported as failed": outbox_wire("DELETE", done=True),
    "the commit of the delete failed": outbox_wire("COMMIT", done=False),
    "the commit of the delete was done, reported as failed": outbox_wire("COMMIT", done=True),
}


def heal(world: World) -> None:
    """A new process: nothing is remembered but what the files hold."""
    world.let_go()
    store: Any = world.log.store
    if isinstance(store._writer, Wire):
        _write_by(store, store._writer._real)
    path = world.folder / "audit.db.key.state.new"
    if path.is_dir():
        path.rmdir()


def sealed_ids(world: World) -> list[str]:
    return [entry.entity.id for entry in check(world.log)]


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_anywhere_each_change_is_in_the_log_exactly_once(world: World, fault: str) -> None:
    FAULTS[fault](world)
    with pytest.raises(Error):
        world.sealer.seal()
    half = sealed_ids(world)
    assert half in (["100"], ["100", *map(str, range(ROWS))])  # all of the batch or none
    assert len(half) == 1 + ROWS or world.waiting() == ROWS
    heal(world)
    assert [entry.entity.id for entry in world.sealed()] == ["100", *map(str, range(ROWS))]
    world.run("INSERT INTO t VALUES (7, 'after')")
    assert [entry.entity.id for entry in world.sealed()][-1] == "7"


def test_a_running_sealer_survives_a_fault_without_a_restart(world: World) -> None:
    """The same process, the same connections: the next pass is the recovery."""
    real = on_sqlite(world.log)._writer
    log_wire("COMMIT", done=True)(world)
    with pytest.raises(LogError, match=BREAKS):
        world.sealer.seal()
    _write_by(on_sqlite(world.log), real)
    assert world.sealer.seal() == 0  # they are known
    assert len(world.sealed()) == 1 + ROWS


def test_the_thread_seals_what_another_process_commits_and_tells_its_health(world: World) -> None:
    world.sealer.start()
    wait_until(lambda: world.sealer.health()["pending"] == 0)
    world.run("INSERT INTO t VALUES (50, 'x')")
    wait_until(lambda: world.log.signed_size() == 2 + ROWS)
    world.sealer.stop()
    health = world.sealer.health()
    assert (health["status"], health["size"], health["signed"]) == ("ok", 2 + ROWS, 2 + ROWS)
    assert len(check(world.log)) == 2 + ROWS


def test_while_passes_fail_health_says_so_and_nothing_is_lost(world: World, caplog: pytest.LogCaptureFixture) -> None:
    key = (world.folder / "audit.db.key.state").read_bytes()
    (world.folder / "audit.db.key.state").write_bytes(b"{")
    world.sealer.start()
    wait_until(lambda: world.sealer.health()["status"] == "failing")
    health = world.sealer.health()
    assert health["pending"] == ROWS
    assert health["seal_lag_seconds"] >= 0
    assert "is damaged" in health["failure"]
    (world.folder / "audit.db.key.state").write_bytes(key)
    wait_until(lambda: world.sealer.health()["status"] == "ok")
    world.sealer.stop()
    assert len(world.sealed()) == 1 + ROWS
    assert "Sealing failed and will be tried again" in caplog.text


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.01)


def test_while_the_application_writes_for_long_a_pass_still_seals_and_soon_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.capture.sqlite.outbox.BATCH", 2)  # several batches, none of which can be dropped
    world.db.execute("PRAGMA journal_mode = wal")
    world.sealer.seal()
    other = sqlite3.connect(world.app, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    world.sealer.seal()
    assert time.monotonic() - begun < 5  # it does not wait for the lock as long as a writer would
    assert sealed_ids(world) == ["100", *map(str, range(ROWS))]
    other.execute("ROLLBACK")
    other.close()
    world.sealer.seal()
    assert world.waiting() == 0
    assert sealed_ids(world) == ["100", *map(str, range(ROWS))]


def test_what_is_asked_of_a_closed_log_is_a_log_error(world: World) -> None:
    sealer = world.sealer
    sealer.start()
    sealer.close()
    world._sealer = None
    world.log.close()
    for ask in (world.log.head, world.log.sign, world.log.checkpoint, lambda: world.log.append([])):
        with pytest.raises(LogError, match="was closed here already"):
            ask()
    world.log = Log.open(world.log_url)


def test_health_says_so_when_the_files_cannot_be_read(world: World) -> None:
    sealer = world.sealer
    world.log.close()
    assert sealer.health()["status"] == "failing"
    world.log = Log.open(world.log_url)


class Turns:
    """Whose turn it is: of one at a time. `lost`: the holder's hold is gone, though it does not know yet."""

    def __init__(self) -> None:
        self.held, self.lost = False, False

    def take(self) -> "Turns | None":
        if self.held:
            return None
        self.held, self.lost = True, False
        return self

    def kept(self) -> bool:
        return not self.lost

    def release(self) -> None:
        self.held = False


def waits(found: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not (done := found()) and time.monotonic() < until:
        time.sleep(0.01)
    return done


def test_of_several_sealers_one_seals_and_another_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(sealer, "KEPT_SECONDS", 0.05)
    turns = Turns()
    with Log.open(world.log_url) as log, closing(sealer.Sealer(world.outbox(), log, turns.take)) as mine:
        turns.held = True  # by another process
        mine.start()
        time.sleep(0.3)
        assert world.waiting() == ROWS
        turns.held = False
        assert waits(lambda: world.waiting() == 0)
        turns.lost = True
        assert waits(lambda: not turns.lost)  # it noticed, and took its turn again
        mine.stop()
        assert not turns.held
    check(world.log)


def test_a_sealer_that_fails_lets_another_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    with Log.open(world.log_url) as log, closing(sealer.Sealer(world.outbox(), log, turns.take)) as mine:
        monkeypatch.setattr(log, "sign", lambda: (_ for _ in ()).throw(LogError("no key here")))
        mine.start()
        assert waits(lambda: mine.health()["status"] == "failing")
        assert waits(lambda: not turns.held)
        turns.held = True  # another process has it now, and seals
        assert waits(lambda: mine.health()["status"] == "ok")
        monkeypatch.undo()
        world.sealed()
    check(world.log)


def test_the_turn_is_that_of_a_database_whatever_its_url_is(world: World) -> None:
    with closing(Upkeep(world.log, world.log_url, [])) as here, closing(Upkeep(world.log, world.log_url, [])) as there:
        mine = here.turn(world.outbox().source)()
        assert mine is not None
        assert there.turn(world.outbox().source)() is None
        other = there.turn("another database's id")()
        assert other is not None
        mine.release()
        other.release()
