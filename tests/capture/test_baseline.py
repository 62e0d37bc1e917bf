"""What a table held when watching began is in the log once, wherever that was cut off, beside what changed since."""

import signal
import sqlite3
import subprocess
import sys
import time
from typing import Any

import pytest

from indelible.actions import ActionMap
from indelible.capture.sqlite import baseline
from indelible.capture.sqlite.joined import joined
from indelible.capture.sqlite.watch import install
from indelible.errors import CaptureError
from indelible.event import Actor, Entry
from tests.world import World, told

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)"
MANY = f"""{T}; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
INSERT INTO t SELECT i, 'row ' || i FROM n"""


def rows_of(world: World) -> list[Entry]:
    return [entry for entry in world.sealed() if not entry.action.startswith("AUDIT_CAPTURE_")]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "PAGE", 4)


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (x INTEGER PRIMARY KEY, id)",
        "CREATE TABLE t (id TEXT PRIMARY KEY, x)",
        "CREATE TABLE t (id, x)",
        "CREATE TABLE t (id, x, PRIMARY KEY (x, id)) WITHOUT ROWID",
        "CREATE TABLE t (id TEXT COLLATE NOCASE, x, PRIMARY KEY (x, id COLLATE BINARY)) WITHOUT ROWID",
        "CREATE TABLE t (id ANY PRIMARY KEY, x ANY) STRICT, WITHOUT ROWID",
    ],
)
@pytest.mark.usefixtures("small_pages")
def test_every_row_of_every_kind_of_table_is_recorded_once(world: World, ddl: str) -> None:
    rows: list[Any] = [*range(9), 1.5, "a", "A", "b", "é", b"\x00", b"a", 2**60]
    world.db.execute(ddl)
    world.db.executemany("INSERT INTO t (id, x) VALUES (?, ?)", [(row, number) for number, row in enumerate(rows)])
    world.db.commit()
    held = world.db.execute("SELECT id, x FROM t").fetchall()
    world.watch_all()
    entries = rows_of(world)
    assert {entry.action for entry in entries} == {"T_BASELINED"}
    assert {entry.operation for entry in entries} == {"baseline"}
    assert {entry.actor for entry in entries} == {Actor.system("baseline")}
    assert len(entries) == len(held) == len({repr((entry.changes["id"], entry.changes["x"])) for entry in entries})
    assert world.left_open() is None
    world.watch_all()
    assert len(rows_of(world)) == len(held)


@pytest.mark.parametrize("options", ["", "WITHOUT ROWID"])
@pytest.mark.usefixtures("small_pages")
def test_a_page_may_end_at_a_key_that_is_no_text_of_pythons(world: World, options: str) -> None:
    keys = ", ".join(f"(CAST(x'{number:02x}ff00{number:02x}' AS TEXT))" for number in range(60, 75))
    world.watch_all(f"CREATE TABLE t (id TEXT PRIMARY KEY, x) {options}; INSERT INTO t (id) VALUES {keys}")
    found = rows_of(world)
    assert len(found) == len({entry.entity.id for entry in found}) == 15


def test_it_may_be_left_out_and_is_not_made_up_for(world: World) -> None:
    world.watch_all(MANY, baseline=False)
    world.watch_all()
    assert rows_of(world) == []


def test_a_table_that_is_watched_again_is_recorded_again_since_nobody_looked_meanwhile(world: World) -> None:
    world.watch_all(MANY)
    world.watch_all(map_text='[t]\nexclude = "Not for now."')
    world.run("UPDATE t SET x = 'unseen' WHERE id = 1")
    world.watch_all()
    entries = rows_of(world)
    assert [entry.action for entry in entries] == ["T_BASELINED"] * 50
    assert entries[25].changes["x"] == {"new": "unseen"}


COPY = "CREATE TABLE n (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO n SELECT * FROM t"
REMADE = f"{COPY}; DROP TABLE t; ALTER TABLE n RENAME TO t"


def test_of_a_table_that_was_made_anew_it_is_said_that_no_change_was_recorded(world: World) -> None:
    """What changed meanwhile is for `reconcile` to name: rows that are recorded again would hide it."""
    world.watch_all(MANY)
    world.db.executescript(f"{REMADE}; UPDATE t SET x = 'unseen' WHERE id = 1")
    before = len(world.sealed())
    world.watch_all()
    (note,) = world.sealed()[before:]
    assert note.action == "AUDIT_CAPTURE_MENDED"
    assert note.changes["capture"]["old"] == "its triggers are gone, and no change was recorded since"
    world.watch_all()
    assert len(world.sealed()) == before + 1


def test_what_a_migration_copies_is_not_recorded_again(world: World) -> None:
    world.watch_all(MANY)
    world.db.executescript(REMADE)
    with joined(world.db) as capture:
        capture.watch(["t"], None)
    world.run("UPDATE t SET x = 'seen' WHERE id = 1")
    assert [entry.action for entry in rows_of(world)] == ["T_BASELINED"] * 25 + ["T_UPDATED"]


def test_what_is_not_to_be_seen_is_not(world: World) -> None:
    world.watch_all(
        f"{T}; ALTER TABLE t ADD COLUMN password; ALTER TABLE t ADD COLUMN n INT;"
        "INSERT INTO t VALUES (1, '4111 1111 1111 1111', 'correct-horse', 1)",
        map_text='[t]\nguard = ["card"]\nignore = ["n"]',
    )
    (entry,) = rows_of(world)
    hidden = {"new": {"redacted": True}}
    assert entry.changes == {"id": {"new": 1}, "x": hidden, "password": hidden}
    dump = "\n".join(line for line in world.db.iterdump() if "indelible_" in line)
    assert "4111" not in dump
    assert "correct-horse" not in dump


def test_what_changes_between_two_pages_is_right_when_replayed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "PAGE", 10)
    world.db.executescript(MANY)
    real, pages = baseline._record_page, 0

    def meddled(*arguments: Any) -> bool:
        nonlocal pages
        pages += 1
        more = real(*arguments)
        if pages == 1:
            world.db.execute("UPDATE t SET x = 'changed after' WHERE id = 3")
            world.db.execute("UPDATE t SET x = 'changed before' WHERE id = 15")
            world.db.execute("DELETE FROM t WHERE id IN (5, 16)")
            world.db.execute("INSERT INTO t VALUES (40, 'new')")
        return more

    monkeypatch.setattr(baseline, "_record_page", meddled)
    world.watch_all()
    rows: dict[int, str] = {}
    for operation, key, changes in told(rows_of(world)):
        if operation == "delete":
            rows.pop(int(key), None)
        else:
            rows[int(key)] = changes["x"]["new"]
    assert rows == dict(world.db.execute("SELECT id, x FROM t").fetchall())


def test_killed_at_any_moment_the_next_watch_goes_on(world: World) -> None:
    world.db.executescript("PRAGMA journal_mode = wal;" + MANY.replace("i < 25", "i < 6000"))
    for number in range(8):
        process = subprocess.Popen([sys.executable, "-c", WATCH, world.app], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.004 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    world.watch_all()
    assert [int(entry.entity.id) for entry in rows_of(world)] == list(range(1, 6001))
    assert world.db.execute(f"SELECT * FROM {baseline.PROGRESS}").fetchall() == []


WATCH = """
import sqlite3, sys
from indelible.actions import ActionMap
from indelible.capture.sqlite import baseline
from indelible.capture.sqlite.watch import install
baseline.PAGE = 50
db = sqlite3.connect(sys.argv[1], timeout=20)
print("ready", flush=True)
install(db, None, ActionMap())
"""


@pytest.mark.usefixtures("small_pages")
def test_a_renamed_table_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.db.executescript(MANY)
    cut_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        install(world.db, None, ActionMap())
    monkeypatch.undo()
    world.watch_all("ALTER TABLE t RENAME TO chairs")
    baselined = [entry for entry in rows_of(world) if entry.operation == "baseline"]
    assert [int(entry.entity.id) for entry in baselined] == list(range(1, 26))
    assert {entry.action for entry in baselined} == {"T_BASELINED", "CHAIR_BASELINED"}


def test_a_database_that_is_locked_meanwhile_is_watched_and_the_rest_follows(world: World) -> None:
    world.db.executescript(MANY)
    world.db.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(world.app, isolation_level=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "record", lambda *_: lock(other) and lock(world.db))
        with pytest.raises(CaptureError, match=r"not all recorded: database is locked. Watch again to go on"):
            world.watch_all()
    other.execute("ROLLBACK")
    other.close()
    world.watch_all()
    assert len(rows_of(world)) == 25


def lock(db: sqlite3.Connection) -> sqlite3.Cursor:
    return db.execute("BEGIN IMMEDIATE")


def cut_after(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    real, done = baseline._record_page, 0

    def cut(*arguments: Any) -> bool:
        nonlocal done
        done += 1
        if done > pages:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(baseline, "_record_page", cut)


@pytest.mark.parametrize(
    ("ddl", "found"),
    [
        ("CREATE TABLE t (a, b, PRIMARY KEY (b COLLATE NOCASE, a)) WITHOUT ROWID", "PRIMARY KEY ((b,a)>(?,?))"),
        ("CREATE TABLE t (a COLLATE NOCASE PRIMARY KEY, b)", "INTEGER PRIMARY KEY (rowid>?)"),
    ],
)
def test_a_page_is_found_by_the_key_and_never_by_reading_all(
    world: World, monkeypatch: pytest.MonkeyPatch, ddl: str, found: str
) -> None:
    monkeypatch.setattr(baseline, "PAGE", 1)
    world.db.executescript(f"{ddl}; INSERT INTO t VALUES (1, 1), (2, 1), (3, 2)")
    ran: list[str] = []
    world.db.set_trace_callback(ran.append)
    world.watch_all()
    world.db.set_trace_callback(None)
    (asked, *_) = [sql for sql in ran if "OFFSET" in sql and ">" in sql]
    assert [step for *_, step in world.db.execute(f"EXPLAIN QUERY PLAN {asked}")] == [f"SEARCH t USING {found}"]
