"""Every kind of table that SQLite has can be watched, or is refused in one plain sentence when watching starts."""

import sqlite3
from pathlib import Path

import pytest

from indelible.actions import ActionMap
from indelible.capture.sqlite.carry import SET
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.sqlite.watch import install
from indelible.errors import CaptureError, MapError, NotFoundError
from tests.world import World, told

ODD = [
    'a"b',
    "with space",
    "select",
    "🔑 key",
    "naïve",
    "semi;colon",
    "--",
    "100%",
    "o'brien",
    "A_Very.Odd-Name",
    "[x]",
]


@pytest.mark.parametrize(
    ("ddl", "key"),
    [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", "1"),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, x) WITHOUT ROWID", "1"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, x ANY) STRICT", "1"),
        ("CREATE TABLE t (id INT, x INT, PRIMARY KEY (x, id))", "1/1"),
        ("CREATE TABLE t (id INT, x INT, PRIMARY KEY (x, id)) STRICT, WITHOUT ROWID", "1/1"),
        ("CREATE TABLE t (id INT, x INT)", "1"),  # the rowid
    ],
)
def test_each_kind_of_table_names_its_rows(world: World, ddl: str, key: str) -> None:
    world.watch(ddl)
    world.run("INSERT INTO t (id, x) VALUES (1, 1)")
    world.run("DELETE FROM t")
    assert [(e.operation, e.entity.id) for e in world.sealed()] == [("create", key), ("delete", key)]


@pytest.mark.parametrize("columns", ["rowid TEXT", "ROWID TEXT", "rowid TEXT, OID TEXT"])
def test_a_column_that_hides_the_rowid_is_not_taken_for_it(world: World, columns: str) -> None:
    ddl = f"CREATE TABLE t ({columns}, x INT)"
    world.watch_all(f"{ddl}; INSERT INTO t (rowid, x) VALUES ('a', 1)")
    world.run("INSERT INTO t (rowid, x) VALUES ('a', 2)")
    world.run("UPDATE t SET x = 3 WHERE x = 2")
    assert [(entry.operation, entry.entity.id) for entry in world.sealed()[1:]] == [
        ("baseline", "1"), ("create", "2"), ("update", "2"),
    ]  # fmt: skip


def test_generated_columns_are_recorded_as_they_are_seen(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, v AS (n * 2), s AS (n * 3) STORED)")
    world.run("INSERT INTO t (n) VALUES (1)")
    world.run("UPDATE t SET n = 2")
    assert world.sealed()[1].changes == {
        "n": {"old": 1, "new": 2}, "v": {"old": 2, "new": 4}, "s": {"old": 3, "new": 6},
    }  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_identifiers_are_only_names(world: World, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert world.watch(f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT)") == [name]
    world.run(f"INSERT INTO {quoted} VALUES (1, 'a')")
    world.run(f"UPDATE {quoted} SET {quoted} = 'b'")
    world.run(f"DELETE FROM {quoted}")
    assert told(world.sealed()) == [
        ("create", "1", {"id": {"new": 1}, name: {"new": "a"}}),
        ("update", "1", {name: {"old": "a", "new": "b"}}),
        ("delete", "1", {"id": {"old": 1}, name: {"old": "b"}}),
    ]


def test_watching_twice_changes_nothing(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    before = list(world.db.iterdump())
    world.watch()
    assert list(world.db.iterdump()) == before
    world.run("INSERT INTO t VALUES (1, 1)")
    assert len(world.sealed()) == 1


def test_what_was_captured_before_the_schema_changed_is_read_as_it_was_then(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
    world.run("INSERT INTO t VALUES (1, 'a', 'b')")
    world.watch("ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t ADD COLUMN d DEFAULT 'd'")
    world.run("UPDATE t SET a = 'A', c = 'C', d = 'D'")
    before, after = world.sealed()
    assert before.changes == {"id": {"new": 1}, "a": {"new": "a"}, "b": {"new": "b"}}
    assert {column: change["new"] for column, change in after.changes.items()} == {"a": "A", "c": "C", "d": "D"}


def test_a_renamed_table_is_recorded_once_under_its_new_name(world: World) -> None:
    world.watch("CREATE TABLE seats (id INTEGER PRIMARY KEY)")
    world.watch("ALTER TABLE seats RENAME TO chairs")
    world.run("INSERT INTO chairs VALUES (1)")
    assert [entry.action for entry in world.sealed()] == ["CHAIR_CREATED"]


def test_a_table_made_anew_is_watched_again(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    world.watch("DROP TABLE t; CREATE TABLE t (x, id INTEGER PRIMARY KEY)")
    world.run("INSERT INTO t VALUES ('x', 1)")
    assert told(world.sealed()) == [("create", "1", {"x": {"new": "x"}, "id": {"new": 1}})]


def test_ignored_columns_alone_are_no_change(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, seen, x)", map_text='[t]\nignore = ["seen"]')
    world.run("INSERT INTO t VALUES (1, 1, 1)")
    world.run("UPDATE t SET seen = 2")
    world.run("UPDATE t SET seen = 3, x = 2")
    assert [e.changes for e in world.sealed()][1:] == [{"x": {"old": 1, "new": 2}}]


@pytest.mark.parametrize(
    ("tables", "map_text", "error", "message"),
    [
        (["tt"], "", CaptureError, "There is no table 'tt' to watch. The database has: t."),
        (None, "[u]\n", MapError, "The map names the table 'u', which is not in the database. It has: t."),
        (None, '[t]\nid = "uid"', MapError, "table [t], id: there is no column 'uid'. It has: id, x."),
        (None, '[t]\nignore = ["y"]', MapError, "table [t], ignore: there is no column 'y'"),
        (None, '[t]\nname = "y"', MapError, "table [t], name: there is no column 'y'"),
        (None, '[t]\nredact = ["y"]', MapError, "table [t], redact: there is no column 'y'"),
        (
            None,
            '[t]\nrule = [{action = "T_MOVED", on = "update", column = "y"}]',
            MapError,
            "the rule for T_MOVED: there is no column 'y'",
        ),
    ],
)
def test_a_refusal_names_what_is_wrong_and_nothing_was_written(
    world: World, tables: list[str] | None, map_text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", tables, map_text)
    assert message in str(caught.value)
    assert [name for (name,) in world.db.execute("SELECT name FROM sqlite_master")] == ["t"]


def test_a_table_too_wide_is_refused_before_anything_is_written(world: World) -> None:
    with pytest.raises(CaptureError, match=r"has 1001 columns; up to 900 can be watched. Exclude it in the map"):
        world.watch("CREATE TABLE t (" + ", ".join(f"c{i}" for i in range(1001)) + ")")
    world.watch(map_text='[t]\nexclude = "a data dump"')


def test_watching_inside_a_transaction_is_refused(world: World) -> None:
    world.db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.db.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(CaptureError, match=r"commit or roll back the open one first"):
        install(world.db, None, ActionMap())


def test_a_locked_database_is_one_plain_sentence(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.db.execute("BEGIN IMMEDIATE")
    other = sqlite3.connect(world.app, timeout=0)
    with pytest.raises(CaptureError, match=r"cannot be watched: database is locked"):
        install(other, None, ActionMap())
    other.close()


def test_the_outbox_of_a_database_that_is_not_watched_says_how_to_start(world: World, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"Nothing is watched in .* Start with: indelible watch"):
        SQLiteOutbox(world.app)
    with pytest.raises(NotFoundError, match=r"There is no database at"):
        SQLiteOutbox(tmp_path / "none.db")


def test_a_captured_record_cannot_be_changed(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.run("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError, match=r"a captured record cannot be changed"):
        world.run("UPDATE indelible_outbox SET n0 = 2")


def test_a_watch_that_fails_leaves_the_connection_as_it_was(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    other = sqlite3.connect(world.app, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    world.db.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(CaptureError, match="Nothing was changed in it"):
        world.watch()
    other.execute("ROLLBACK")
    other.close()
    world.db.execute("INSERT INTO t VALUES (1)")
    world.db.rollback()
    assert world.db.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_context_that_was_left_behind_is_gone_when_watching_starts(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.run(SET, ("somebody",))
    world.watch()
    assert world.left_open() is None
