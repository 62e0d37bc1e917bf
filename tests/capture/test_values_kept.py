"""Whatever a database can hold is recorded exactly, and never makes a write or the queue fail."""

import base64
import hashlib
import math
import sqlite3
from typing import Any

import msgspec
import pytest

from tests.checking import on_sqlite
from tests.world import World

HOSTILE = [  # (value, as an entry spells it)
    (None, None),
    ("", ""),
    ("Größe 🔑 \u202e\u2028", "Größe 🔑 \u202e\u2028"),
    ("NUL \0 inside", "NUL \0 inside"),
    ("line\nbreak\r\ttab", "line\nbreak\r\ttab"),
    (0, 0),
    (2**53, 2**53),
    (2**53 + 1, {"integer": str(2**53 + 1)}),
    (-(2**63), {"integer": str(-(2**63))}),
    (str(2**53 + 1), str(2**53 + 1)),
    (0.1, 0.1),
    (5e-324, 5e-324),
    (1.7976931348623157e308, 1.7976931348623157e308),
    (math.inf, {"float": "Infinity"}),
    (-math.inf, {"float": "-Infinity"}),
    (b"", {"bytes": ""}),
    (b"\x00\xff'\"", {"bytes": base64.b64encode(b"\x00\xff'\"").decode()}),
    ('{"redacted":true}', '{"redacted":true}'),
]


def only_new(world: World, column: str = "x") -> Any:
    return world.sealed()[-1].changes[column]["new"]


@pytest.mark.parametrize(("value", "spelled"), HOSTILE, ids=repr)
def test_a_value_is_spelled_exactly(world: World, value: Any, spelled: Any) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    world.run("INSERT INTO t VALUES (1, ?)", (value,))
    new = only_new(world)
    assert (type(new), new) == (type(spelled), spelled)


@pytest.mark.parametrize("type_", ["INTEGER", "NUMERIC", "BIGINT"])
def test_where_no_text_can_have_its_digits_an_integer_is_spelled_as_them(world: World, type_: str) -> None:
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x {type_})")
    world.run("INSERT INTO t VALUES (1, 9007199254740993)")
    assert only_new(world) == "9007199254740993"
    world.run("UPDATE t SET x = '9007199254740994'")
    assert only_new(world) == "9007199254740994"


def test_a_large_number_is_the_same_key_whatever_its_columns_type(world: World) -> None:
    world.watch(
        "CREATE TABLE users (id PRIMARY KEY, name); CREATE TABLE seats (id INTEGER PRIMARY KEY, holder BIGINT)",
        map_text='[users]\nname = "name"\n[seats]\nreferences = { holder = "User" }',
    )
    world.run("INSERT INTO users VALUES (9007199254740993, 'Kim')")
    world.run("INSERT INTO seats VALUES (1, 9007199254740993)")
    user, seat = world.sealed()
    assert user.entity.id == "9007199254740993"
    assert seat.changes["holder"] == {"new": "9007199254740993", "new_name": "Kim"}


def test_text_that_is_not_utf8_keeps_its_bytes(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
    world.run("INSERT INTO t VALUES (1, CAST(x'ff00fe' AS TEXT))")
    assert only_new(world) == {"text": base64.b64encode(b"\xff\x00\xfe").decode()}


@pytest.mark.parametrize("value", ["x" * 2**20, "\x01" * 2**20, b"\xff" * 2**20], ids=["text", "control", "blob"])
def test_a_megabyte_stands_beside_the_log_under_its_hash(world: World, value: str | bytes) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    world.run("INSERT INTO t VALUES (1, ?)", (value,))
    shown = only_new(world)
    (row,) = on_sqlite(world.log).select(
        "SELECT nonce, value FROM attachment WHERE hash = ?", (bytes.fromhex(shown["sha256"]),)
    )
    assert hashlib.sha256(row[0] + row[1]).hexdigest() == shown["sha256"]
    kept = msgspec.json.decode(row[1])
    assert (kept if isinstance(value, str) else base64.b64decode(kept["bytes"])) == value


@pytest.mark.parametrize("text", ["a" * 1024, "\x01" * 400, "é" * 700], ids=["plain", "control", "two bytes"])
def test_a_row_of_many_middling_values_fits_and_each_is_set_aside_once(world: World, text: str) -> None:
    names = [f"c{i}" for i in range(70)]
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(names)})")
    world.run(f"INSERT INTO t VALUES (1{', ?' * 70})", [text] * 70)
    world.sealed()
    kept = [msgspec.json.decode(value) for (value,) in on_sqlite(world.log).select("SELECT value FROM attachment")]
    assert kept
    assert not [value for value in kept if "sha256" in value]


def test_the_widest_table_that_can_be_watched_is_recorded_in_all_operations(world: World) -> None:
    names = [f"column_number_{i}" for i in range(899)]
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(names)})")
    world.run(f"INSERT INTO t VALUES (1{', ?' * 899})", ["y" * 200] * 899)
    world.run("UPDATE t SET column_number_898 = 'z'")
    world.run("DELETE FROM t")
    create, update, delete = world.sealed()
    assert [list(entry.metadata) for entry in (create, delete)] == [["set_aside"], ["set_aside"]]
    assert update.changes == {"column_number_898": {"old": "y" * 200, "new": "z"}}


def test_a_row_too_large_to_be_recorded_is_refused_unless_its_large_column_is_left_out(world: World) -> None:
    """An outbox row has the old and the new values, and SQLite's limit is that of one row: see decision 1."""
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, large BLOB, n INT)")
    world.db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2_000_000)  # instead of 1,000,000,000
    world.run("INSERT INTO t VALUES (1, zeroblob(1200000), 1)")
    with pytest.raises(sqlite3.DataError, match="too big"):
        world.run("UPDATE t SET n = 2")
    world.watch(map_text='[t]\nignore = ["large"]')
    world.run("UPDATE t SET n = 2")
    assert world.sealed()[1].changes == {"n": {"old": 1, "new": 2}}


@pytest.mark.parametrize("key", [None, "", " ", "a/b", "\0", "x" * 5000, b"\xff", math.inf], ids=repr)
def test_no_key_can_block_the_queue(world: World, key: Any) -> None:
    """SQLite lets a primary key that is no INTEGER be NULL; an entry needs something to call it."""
    world.watch("CREATE TABLE t (id PRIMARY KEY, x)")
    world.run("INSERT INTO t VALUES (?, 1)", (key,))
    world.run("UPDATE t SET x = 2")
    assert [entry.action for entry in world.sealed()] == ["T_CREATED", "T_UPDATED"]


def test_booleans_are_shown_as_such_and_other_numbers_in_their_column_as_they_are(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, active BOOLEAN)")
    with world.db:
        world.db.executemany("INSERT INTO t (active) VALUES (?)", [(1,), (0,), (7,), (None,)])
    assert [entry.changes["active"]["new"] for entry in world.sealed()] == [True, False, 7, None]
