"""A row that REPLACE evicts is recorded as deleted, before what took its place; whatever `recursive_triggers` says."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.capture.record import Record
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.errors import CaptureError
from tests.world import World, told

SCHEMAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "rowid alias": ("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE COLLATE NOCASE, b, n)", ("id",)),
    "no key": ("CREATE TABLE t (id, a, b, n, UNIQUE (a, b))", ("rowid",)),
    "text key": (
        ("CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, a, b, n);"
        "CREATE UNIQUE INDEX i1 ON t (a) WHERE b IS NULL; CREATE UNIQUE INDEX i2 ON t (b COLLATE RTRIM, a DESC)"),
        ("id",),
    ),
    "without rowid": (
        ("CREATE TABLE t (id, a, b, n, PRIMARY KEY (a COLLATE NOCASE, id)) WITHOUT ROWID;"
        "CREATE UNIQUE INDEX i1 ON t (b)"),
        ("a", "id"),
    ),
    "expressions": (
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, n);"
        "CREATE UNIQUE INDEX i1 ON t (lower(a) /* , ( */ DESC, (b || ',(') COLLATE NOCASE) -- WHERE\n"
        " WHERE n > 0 AND a <> ')'; CREATE UNIQUE INDEX i2 ON t (ifnull(n, 'none'), a)"),
        ("id",),
    ),
    "replacing": (
        ("CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE,"
        " a NOT NULL DEFAULT 'a' UNIQUE ON CONFLICT REPLACE, b, n,"
        " g AS (a || ifnull(b, '')) UNIQUE ON CONFLICT REPLACE)"),
        ("id",),
    ),
    "a tree": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b, n REFERENCES t (id) ON DELETE SET NULL)", ("id",),
    ),
    "a tree that falls": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b, n REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE)",
        ("id",),
    ),
    "with a trigger": (
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b, n);"
        "CREATE TRIGGER own1 BEFORE INSERT ON t BEGIN DELETE FROM t WHERE b = NEW.b; END;"
        "CREATE TRIGGER own2 AFTER INSERT ON t BEGIN UPDATE t SET n = ifnull(n, 0) + 1 WHERE id IN (NEW.id, 2); END"),
        ("id",),
    ),
}  # fmt: skip

LICENSES = "CREATE TABLE licenses (id INTEGER PRIMARY KEY, plan TEXT, seats INTEGER UNIQUE)"
TWO = "INSERT INTO licenses VALUES (1, 'free', 3), (2, 'pro', 5)"


def row(side: str, id_: Any, plan: Any, seats: Any) -> tuple[str, str, dict[str, Any]]:
    changes = {"id": {side: id_}, "plan": {side: plan}, "seats": {side: seats}}
    return "create" if side == "new" else "delete", str(id_), changes


FREE, PRO = row("old", 1, "free", 3), row("old", 2, "pro", 5)


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT OR REPLACE INTO licenses VALUES (1, 'new', 9)", [FREE, row("new", 1, "new", 9)]),
        ("REPLACE INTO licenses VALUES (1, 'new', 5)", [FREE, PRO, row("new", 1, "new", 5)]),
        ("REPLACE INTO licenses (plan, seats) VALUES ('new', 3)", [FREE, row("new", 3, "new", 3)]),
        (
            "REPLACE INTO licenses SELECT id, 'new', seats FROM licenses",
            [FREE, row("new", 1, "new", 3), PRO, row("new", 2, "new", 5)],
        ),
        ("REPLACE INTO licenses VALUES (7, 'new', NULL)", [row("new", 7, "new", None)]),
        (
            "UPDATE OR REPLACE licenses SET id = 1 WHERE id = 2",
            [FREE, ("update", "1", {"id": {"old": 2, "new": 1}})],
        ),
        (
            "UPDATE OR REPLACE licenses SET _rowid_ = 1 WHERE id = 2",
            [FREE, ("update", "1", {"id": {"old": 2, "new": 1}})],
        ),
        (
            "UPDATE OR REPLACE licenses SET seats = 3 WHERE id = 2",
            [FREE, ("update", "2", {"seats": {"old": 5, "new": 3}})],
        ),
        (
            "INSERT INTO licenses VALUES (1, 'new', 9) ON CONFLICT (id) DO UPDATE SET plan = 'up'",
            [("update", "1", {"plan": {"old": "free", "new": "up"}})],
        ),
        ("INSERT OR IGNORE INTO licenses VALUES (1, 'new', 9)", []),
        ("INSERT INTO licenses VALUES (1, 'new', 5) ON CONFLICT DO NOTHING", []),
        ("UPDATE OR IGNORE licenses SET seats = 3", []),
    ],
)
def test_each_statement_leaves_exactly_its_changes(
    world: World, statement: str, expected: list[tuple[str, str, dict[str, Any]]], recursive: str
) -> None:
    world.watch(LICENSES)
    world.db.execute(f"PRAGMA recursive_triggers = {recursive}")
    world.run(TWO)
    world.sealed()
    world.run(statement)
    assert told(world.sealed()[2:]) == expected


def test_a_constraint_that_replaces_by_itself_evicts_too(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE ON CONFLICT REPLACE)")
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.run("INSERT INTO t VALUES (2, 'x')")
    assert [(e.operation, e.entity.id) for e in world.sealed()] == [("create", "1"), ("delete", "1"), ("create", "2")]


@pytest.mark.parametrize("default", [
    "draft", "open", '"open"', '"a ""b"""', "`open`", "[open]", "é", "'it''s'", '"it\'s"', "key", "true", '"true"', "5",
    "-5", "0.5", "x'6f70'", "CURRENT_DATE", "(1 + 2)", "('open' || 'x')", "('a' -- b\n)",
])  # fmt: skip
def test_what_replace_puts_in_the_place_of_null_is_known_however_it_is_spelled(world: World, default: str) -> None:
    """As a default a bare word is a text, and one in double quotes; in a trigger it would be a column."""
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, kind NOT NULL DEFAULT {default} UNIQUE, open DEFAULT 7)")
    world.run("INSERT INTO t (id) VALUES (1)")
    world.run("INSERT OR REPLACE INTO t (id, kind) VALUES (2, NULL)")
    world.run("UPDATE OR REPLACE t SET open = 8")
    told = [(entry.operation, entry.entity.id) for entry in world.sealed()]
    assert told == [("create", "1"), ("delete", "1"), ("create", "2"), ("update", "2")]


@pytest.mark.parametrize("name", ["old", "new", "OLD", "excluded"])
@pytest.mark.parametrize("options", ["", "WITHOUT ROWID"])
@pytest.mark.parametrize("map_text", ["", '["*"]\nguard = ["card"]'])
def test_a_table_may_be_called_as_a_row_is_in_a_trigger(world: World, name: str, options: str, map_text: str) -> None:
    unique = f"CREATE UNIQUE INDEX i ON {name} (lower(x)) WHERE y > 0"
    ddl = f"CREATE TABLE {name} (id TEXT PRIMARY KEY, x, y, z UNIQUE) {options}; {unique}"
    world.watch(ddl, map_text=map_text)
    world.run(f"INSERT INTO {name} VALUES ('a', 'x', 1, 1), ('b', 'y', 1, 2), ('c', 'z', 0, 3)")
    world.sealed()
    world.run(f"UPDATE OR REPLACE {name} SET x = 'Y' WHERE id = 'a'")
    world.run(f"REPLACE INTO {name} VALUES ('d', 'z', 1, 3)")
    assert [(entry.operation, entry.entity.id) for entry in world.sealed()[3:]] == [
        ("delete", "b"), ("update", "a"), ("delete", "c"), ("create", "d"),
    ]  # fmt: skip


def test_letters_beyond_ascii_are_compared_as_sqlite_does(world: World) -> None:
    world.watch("CREATE TABLE É (id INTEGER PRIMARY KEY, x UNIQUE, up REFERENCES É ON DELETE SET NULL)")
    world.db.execute("PRAGMA foreign_keys = ON")
    world.run("INSERT INTO É VALUES (1, 'a', NULL), (2, 'b', 1)")
    world.sealed()
    world.run("REPLACE INTO É VALUES (1, 'b', NULL)")
    assert ("delete", "2", {"id": {"old": 2}, "x": {"old": "b"}, "up": {"old": None}}) in told(world.sealed()[2:])


def test_what_goes_by_cascade_with_an_evicted_row_is_recorded_once(world: World) -> None:
    world.watch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE, up REFERENCES t ON DELETE SET NULL);"
        "CREATE TABLE child (id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE)"
    )
    world.db.execute("PRAGMA foreign_keys = ON")
    world.run("INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', 1)")
    world.run("INSERT INTO child VALUES (7, 1)")
    world.sealed()
    world.run("REPLACE INTO t VALUES (1, 'b', NULL)")
    gone = told(world.sealed()[3:])
    assert ("delete", "7", {"id": {"old": 7}, "t": {"old": 1}}) in gone
    assert ("delete", "1", {"id": {"old": 1}, "x": {"old": "a"}, "up": {"old": None}}) in gone
    assert ("update", "2", {"up": {"old": 1, "new": None}}) in gone
    assert ("delete", "2", {"id": {"old": 2}, "x": {"old": "b"}, "up": {"old": None}}) in gone, "as it was at last"
    assert len(gone) == 5


def test_an_evicted_secret_is_nowhere_but_in_its_table(world: World) -> None:
    world.watch("CREATE TABLE users (id INTEGER PRIMARY KEY, password TEXT)")
    world.run("INSERT INTO users VALUES (1, 'correct-horse')")
    world.run("INSERT OR IGNORE INTO users VALUES (1, 'other-horse')")  # stays staged
    world.run("DELETE FROM indelible_outbox WHERE operation = 'create'")
    dump = "\n".join(line for line in world.db.iterdump() if "indelible_" in line)
    assert "horse" not in dump


@pytest.mark.parametrize("key", ["TEXT PRIMARY KEY", "INTEGER PRIMARY KEY"])
def test_a_secret_key_is_not_staged_either(world: World, key: str) -> None:
    end = " WITHOUT ROWID" if "TEXT" in key else ""
    world.watch(f"CREATE TABLE sessions (token {key}, x){end}", map_text='[sessions]\nid = "x"')
    world.run("INSERT INTO sessions VALUES (73577357, 1)")
    world.run("INSERT OR IGNORE INTO sessions VALUES (73577357, 1)")
    world.run("UPDATE sessions SET x = 2")
    dump = "\n".join(line for line in world.db.iterdump() if "indelible_" in line)
    assert "73577357" not in dump
    assert [e.operation for e in world.sealed()] == ["create", "update"]


def test_what_is_staged_for_nothing_is_never_recorded_even_after_rowids_are_given_anew(world: World) -> None:
    """VACUUM may number the rows of a table without an INTEGER PRIMARY KEY from one again."""
    world.watch("CREATE TABLE t (x UNIQUE)")
    for x in range(20):
        world.run("INSERT INTO t VALUES (?)", (x,))
    world.run("DELETE FROM t WHERE x < 10")
    world.run("INSERT OR IGNORE INTO t VALUES (19)")
    world.run("UPDATE OR IGNORE t SET x = 18 WHERE x = 19")
    before = len(world.sealed())
    world.db.execute("VACUUM")
    world.run("UPDATE t SET x = 'new' WHERE x = 12")
    world.run("INSERT INTO t VALUES ('another')")
    assert [e.operation for e in world.sealed()[before:]] == ["update", "create"]


def test_a_table_that_hides_its_rowid_is_refused(world: World) -> None:
    with pytest.raises(CaptureError, match="hides its rowid"):
        world.watch("CREATE TABLE t (rowid, oid, _rowid_)")


def conditions(db: sqlite3.Connection) -> Iterator[str]:
    """What our BEFORE triggers ask, of any row."""
    query = "SELECT name, sql FROM sqlite_master WHERE name IN ('indelible_inserting_t', 'indelible_updating_t')"
    for name, sql in db.execute(query).fetchall():
        asked = re.sub(r'(NEW|OLD)\."(?:[^"]|"")*"', "?1", sql)
        yield asked[asked.index("WHEN ") + 5 : asked.index(" BEGIN ")]
        bodies = asked[asked.index(" BEGIN ") :].split("; ")
        yield from (body[body.index("SELECT") :] for body in bodies if body.startswith("INSERT") and 'FROM "t"' in body)
        assert len(bodies) > 2, name


@pytest.mark.parametrize("name", [*SCHEMAS])
def test_looking_for_rows_in_the_way_never_reads_the_whole_table(world: World, name: str) -> None:
    world.watch(SCHEMAS[name][0])
    for condition in conditions(world.db):
        asked = condition if condition.startswith("SELECT") else f"SELECT {condition}"
        plan = [step for *_, step in world.db.execute(f"EXPLAIN QUERY PLAN {asked}", ("x",))]
        scans = [step for step in plan if step.startswith("SCAN t")]
        assert scans == ["SCAN t"] * plan.count("CO-ROUTINE t"), "an expression's one row of NEW is called t too"
        assert [step for step in plan if "SEARCH t " in step]


keys = st.sampled_from([1, 2, 3, 4])
texts = st.sampled_from(["a", "A", "b", "b ", None, 1])
ors = st.sampled_from(["", "OR REPLACE", "OR REPLACE", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ROLLBACK", "OR ABORT"])
ROW = st.tuples(keys, texts, texts, st.sampled_from([None, 1, 2, 3]))
columns = st.sampled_from(["id", "a", "b", "n", "rowid", "(a, b) = (b, a), id"])
STATEMENTS = st.one_of(
    st.tuples(ors.map(lambda o: f"INSERT {o} INTO t (id, a, b, n) VALUES (?, ?, ?, ?)"), ROW),
    st.tuples(
        ors.map(lambda o: f"INSERT {o} INTO t (id, a, b, n) VALUES (?, ?, ?, ?), (?, ?, ?, ?)"),
        st.tuples(ROW, ROW).map(lambda rows: rows[0] + rows[1]),
    ),
    st.tuples(ors.map(lambda o: f"INSERT {o} INTO t (a, b) VALUES (?, ?)"), st.tuples(texts, texts)),
    st.tuples(ors.map(lambda o: f"INSERT {o} INTO t (id, a, b, n) SELECT id + 1, b, a, n FROM t"), st.just(())),
    st.tuples(st.just("INSERT INTO t (id, a, b, n) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"), ROW),
    st.tuples(st.just("INSERT INTO t (id, a, b, n) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET b = excluded.a"), ROW),
    st.tuples(
        st.tuples(ors, columns).map(lambda oc: f"UPDATE {oc[0]} t SET {oc[1]} = ? WHERE id = ?"), st.tuples(texts, keys)
    ),
    st.tuples(
        st.tuples(ors, columns).map(lambda oc: f"UPDATE {oc[0]} t SET {oc[1]} = ? WHERE id > ?"), st.tuples(keys, keys)
    ),
    st.tuples(st.just("DELETE FROM t WHERE id = ?"), st.tuples(keys)),
    st.tuples(
        st.sampled_from(["SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "COMMIT", "PRAGMA recursive_triggers = ON",
                         "PRAGMA recursive_triggers = OFF"]),
        st.just(()),
    ),
)  # fmt: skip
Rows = dict[tuple[Any, ...], dict[str, Any]]


def replay(rows: Rows, record: Record, keys: tuple[str, ...]) -> None:
    """What an auditor does with the log and a pencil."""
    old = {column: change["old"] for column, change in record.changes.items() if "old" in change}
    new = {column: change["new"] for column, change in record.changes.items() if "new" in change}
    if record.operation == "create":
        place = tuple(new[key] for key in keys)
        assert place not in rows
        rows[place] = new
        return
    before = rows.pop(tuple(old.get(key, record.row[key]) for key in keys))
    assert {column: before[column] for column in old} == old
    if record.operation == "update":
        rows[tuple((before | new)[key] for key in keys)] = before | new
    else:
        assert before == old


def held(db: sqlite3.Connection, keys: tuple[str, ...]) -> Rows:
    cursor = db.execute(f"SELECT {'rowid, ' if keys == ('rowid',) else ''}* FROM t")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, values, strict=True)) for values in cursor]
    return {tuple(found[key] for key in keys): found for found in rows}


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=120)
@given(statements=st.lists(STATEMENTS, min_size=3, max_size=25))
def test_replaying_what_was_captured_gives_the_table(
    world: World, name: str, statements: list[tuple[str, tuple[Any, ...]]]
) -> None:
    ddl, keys = SCHEMAS[name]
    if not world.db.execute("SELECT 1 FROM sqlite_master").fetchone():
        world.watch(ddl)
        world.db.isolation_level = None
    world.db.execute("PRAGMA foreign_keys = ON")
    world.db.execute("DELETE FROM t")
    world.db.execute("DELETE FROM indelible_outbox")
    world.db.execute("BEGIN")
    for sql, values in statements:
        with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):  # OR FAIL keeps what it did before
            world.db.execute(sql, values)
        if not world.db.in_transaction:
            world.db.execute("BEGIN")
    world.db.commit()
    outbox = SQLiteOutbox(world.app)
    rows: Rows = {}
    for record in (record for batch in outbox.batches() for record in batch.records):
        assert record.definition.table == "t"
        replay(rows, record, keys)
    outbox.close()
    assert rows == held(world.db, keys)
