"""The oracle: whatever is done to two tables, replaying the log's changes gives exactly what they hold."""

import sqlite3
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Entry
from tests.world import World

SCHEMA = (
    "CREATE TABLE orgs (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, n INTEGER);"
    "CREATE TABLE users (id TEXT, org INTEGER REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE, name TEXT, n REAL,"
    " PRIMARY KEY (org, id)) WITHOUT ROWID;"
    "CREATE INDEX users_name ON users (name)"
)
KEYS = {"Org": ("id",), "User": ("org", "id")}
TABLES = {"Org": "orgs", "User": "users"}
Tables = dict[str, dict[tuple[Any, ...], dict[str, Any]]]

ids = st.integers(1, 4)
names = st.sampled_from(["a", "A", "b", "B ", "", None, "é", "\0"])
numbers = st.sampled_from([None, 0, 1, -1, 2**40, 7])  # never beyond 2^53, where numbers become text
ORG, USER = st.tuples(ids, names, numbers), st.tuples(st.sampled_from(["u", "v"]), ids, names, numbers)

STATEMENTS = st.one_of(
    st.tuples(st.just("INSERT OR IGNORE INTO orgs VALUES (?, ?, ?)"), ORG),
    st.tuples(st.just("INSERT INTO orgs VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET n = excluded.n"), ORG),
    st.tuples(st.just("INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?)"), USER),
    st.tuples(st.just("INSERT INTO users SELECT 'w' || id, id, name, n FROM orgs WHERE id < ?"), st.tuples(ids)),
    st.tuples(st.just("UPDATE OR IGNORE orgs SET name = ?, n = n + 1 WHERE id = ?"), st.tuples(names, ids)),
    st.tuples(st.just("UPDATE OR IGNORE orgs SET name = ? WHERE id = ?"), st.tuples(names, ids)),
    st.tuples(st.just("UPDATE OR IGNORE orgs SET id = ? WHERE id = ?"), st.tuples(ids, ids)),
    st.tuples(st.just("UPDATE users SET name = ?, n = -n WHERE id > ?"), st.tuples(names, names)),
    st.tuples(st.just("UPDATE users SET name = (SELECT name FROM orgs WHERE orgs.id = org)"), st.just(())),
    st.tuples(st.just("DELETE FROM orgs WHERE id = ?"), st.tuples(ids)),
    st.tuples(st.just("DELETE FROM users WHERE org >= ?"), st.tuples(ids)),
    st.tuples(st.just("DELETE FROM users"), st.just(())),
    st.tuples(st.sampled_from(["SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "COMMIT", "ROLLBACK"]), st.just(())),
)


def replay(tables: Tables, entry: Entry) -> None:
    """What an auditor does with the log and a pencil."""
    rows, keys = tables[entry.entity.type], KEYS[entry.entity.type]
    row = {column: change["new"] for column, change in entry.changes.items() if "new" in change}
    if entry.operation == "create":
        place = tuple(row[key] for key in keys)
        assert place not in rows
        rows[place] = row
        return
    now = entry.entity.id.split("/")
    places = {key: entry.changes[key]["old"] if key in entry.changes else _typed(key, entry, now) for key in keys}
    before = rows.pop(tuple(places[key] for key in keys))
    for column, change in entry.changes.items():
        assert before[column] == change["old"]
    if entry.operation == "update":
        after = before | row
        rows[tuple(after[key] for key in keys)] = after


def _typed(key: str, entry: Entry, parts: list[str]) -> Any:
    """A key that did not change is told by the entity's id alone."""
    text = parts[KEYS[entry.entity.type].index(key)]
    return text if (entry.entity.type, key) == ("User", "id") else int(text)


def held(world: World) -> Tables:
    found: Tables = {}
    for entity, table in TABLES.items():
        cursor = world.db.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
        found[entity] = {tuple(row[key] for key in KEYS[entity]): row for row in rows}
    world.db.commit()
    return found


@settings(max_examples=100)
@given(statements=st.lists(STATEMENTS, min_size=5, max_size=40))
def test_replaying_the_log_gives_the_tables(world: World, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
    if not world.db.execute("SELECT 1 FROM sqlite_master").fetchone():
        world.watch(SCHEMA)
        world.db.isolation_level = None
    world.db.execute("PRAGMA foreign_keys = ON")
    world.db.execute("DELETE FROM orgs")
    start = len(world.sealed())
    tables = held(world)
    world.db.execute("BEGIN")
    for sql, values in statements:
        try:
            world.db.execute(sql, values)
        except (sqlite3.IntegrityError, sqlite3.OperationalError):
            continue  # a statement that SQLite refuses is one that changes nothing
        if not world.db.in_transaction:
            world.db.execute("BEGIN")
    world.db.commit()
    for entry in world.sealed()[start:]:
        replay(tables, entry)
    assert tables == held(world)
