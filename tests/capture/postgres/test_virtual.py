"""A virtual column has no value in a trigger: what is recorded is what people read, or that it is gone."""

import hashlib
from typing import Any

import pytest

from indelible.capture.postgres import sizes
from tests.capture.postgres.test_redaction import nowhere
from tests.capture.postgres.world import PostgresWorld

T = (
    "CREATE TABLE t (id integer PRIMARY KEY, n integer, x text, twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL,"
    " joint text GENERATED ALWAYS AS (x || n) VIRTUAL, kept text DEFAULT 'seen')"
)
PARTED = pytest.mark.parametrize("parted", ["", " PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT"])
CHANGES = {
    "ALTER TABLE t RENAME n TO m": {"x"},
    "ALTER TABLE t RENAME x TO y": {"n", "twice"},
    "ALTER TABLE t DROP n CASCADE": {"x"},
    "ALTER TABLE t DROP x CASCADE": {"n", "twice"},
    "ALTER TABLE t DROP twice, DROP joint, ALTER n TYPE text USING '7'": {"n", "x"},
    "ALTER TABLE t DROP twice, DROP joint, ALTER n TYPE bigint": {"n", "x"},
    "ALTER TABLE t DROP joint, ALTER x TYPE integer USING 7": {"n", "x", "twice"},
    "ALTER TABLE t RENAME n TO m; ALTER TABLE t RENAME x TO n; ALTER TABLE t RENAME m TO x": {"n", "x"},
}


def rows(world: PostgresWorld) -> list[Any]:
    return [entry for entry in world.sealed() if not entry.action.startswith("AUDIT_")]


@PARTED
@pytest.mark.parametrize("change", CHANGES)
def test_what_it_was_made_from_may_go_and_writes_go_on(world: PostgresWorld, change: str, parted: str) -> None:
    world.watch(T + parted)
    world.run("INSERT INTO t (id, n) VALUES (0, 0)")
    world.run(change)
    world.run("INSERT INTO t (id) VALUES (1), (2)")
    world.run("INSERT INTO t (id) VALUES (3)")
    world.run("UPDATE t SET kept = 'new' WHERE id > 0")
    world.run("DELETE FROM t WHERE id = 1")
    world.run("TRUNCATE t")
    told = rows(world)[1:]
    assert [entry.operation for entry in told] == ["create"] * 3 + ["update"] * 3 + ["delete"] * 4
    assert all(set(entry.changes) == {"id", "kept"} | CHANGES[change] for entry in told[:3])
    assert all(entry.changes == {"kept": {"old": "seen", "new": "new"}} for entry in told[3:6])
    assert all(each.state == "drifted" for each in world.covered())
    world.watch_all()
    assert all(each.state == "watched" for each in world.covered())
    world.run("INSERT INTO t (id) VALUES (4)")
    assert len(rows(world)) == len(told) + 2


EXPRESSIONS = {
    "boolean": "n > 1",
    "bigint": "n * 3000000000",
    "numeric(9,2)": "n / 3.0",
    "double precision": "n / 3.0::float8",
    "char(5)": "n::text",
    "bytea": "decode(lpad(n::text, 4, '0'), 'hex')",
    "integer[]": "ARRAY[n, NULL]",
    "date": "d + n",
    "timestamp": "d::timestamp + n * interval '1 day 3 h'",
    "interval": "n * interval '1 mon 1 h'",
    "text": "upper(x)",
    "int4range": "int4range(0, n)",
    "jsonb": "('{\"n\": ' || n || '}')::jsonb",
    "boolean NOT NULL": "x = 'ä'",
    "uuid": "NULL",
    "inet": "'10.0.0.0'::inet + n",
    "name": "'constant'",
}


@PARTED
@pytest.mark.parametrize("type_", EXPRESSIONS)
def test_values_of_any_type_are_recorded_as_they_are_read(world: PostgresWorld, type_: str, parted: str) -> None:
    """`differences` are those between replaying the log and the table."""
    virtual = f"v {type_} GENERATED ALWAYS AS ({EXPRESSIONS[type_]}) VIRTUAL"
    world.run(
        f'CREATE TABLE t (id integer PRIMARY KEY, n integer, x text COLLATE pg_c_utf8, d date, "V%" text, {virtual})'
        + parted
    )
    world.run("INSERT INTO t SELECT i, i, 'ä', '2026-11-30' FROM generate_series(1, 3) i")
    world.watch_all()
    world.run("SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'escape'")
    world.run("INSERT INTO t SELECT i, i, 'ä', '2026-11-30' FROM generate_series(4, 9) i")
    world.run("UPDATE t SET n = 10 - n, x = 'ö' WHERE id % 2 = 0")
    world.run("UPDATE t SET n = 4 WHERE id = 1")
    world.run("DELETE FROM t WHERE id = 2")
    told = rows(world)
    assert all("v" in entry.changes for entry in told if entry.operation != "update")
    assert type_ != "text" or {"old": "Ä", "new": "Ö"} in [entry.changes.get("v") for entry in told]
    assert world.differences() == []
    world.run("TRUNCATE t")
    assert len(rows(world)) == len(told) + 8
    assert world.differences() == []


def test_what_nobody_can_read_stops_no_write(world: PostgresWorld) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, n integer, v integer GENERATED ALWAYS AS (100 / n) VIRTUAL)")
    world.run("INSERT INTO t VALUES (1, 0), (2, 5)")
    world.run("UPDATE t SET n = 5 - n")
    assert sorted(str(entry.changes["v"]) for entry in rows(world)[2:]) == [
        "{'old': 20, 'new': None}", "{'old': None, 'new': 20}",
    ]  # fmt: skip
    assert world.differences() == []


def test_secrets_it_is_made_from_and_secrets_in_it_stay_hidden(world: PostgresWorld) -> None:
    world.watch(
        "CREATE TABLE t (id integer PRIMARY KEY, pin text, n integer, email text,"
        " size integer GENERATED ALWAYS AS (length(pin)) VIRTUAL, seen text GENERATED ALWAYS AS (pin || n) VIRTUAL,"
        " lower text GENERATED ALWAYS AS (lower(email)) VIRTUAL,"
        " card text GENERATED ALWAYS AS ('4111 1111 ' || pin) VIRTUAL)",
        map_text='[t]\nredact = ["pin", "seen"]\nhash = ["email", "lower"]\nguard = ["card"]\n',
    )
    hidden = ("1111 11111", "4111 1111 1111", "1234 12341", "kim@x", "Kim@x")
    world.run("INSERT INTO t VALUES (1, '1111 1111', 1, 'Kim@x'), (2, '1234 1234', 1, 'kim@x')")
    world.run("UPDATE t SET n = 2, pin = '5678 5678' WHERE id = 1")
    world.run("UPDATE t SET pin = pin")
    assert nowhere(world, *hidden)
    one, two, changed = rows(world)
    assert nowhere(world, *hidden)
    assert one.changes["size"] == {"new": 9}
    assert one.changes["lower"] == two.changes["lower"] != one.changes["email"] != two.changes["email"]
    assert one.changes["card"] == {"new": {"redacted": True}}
    assert two.changes["card"] == {"new": "4111 1111 1234 1234"}
    assert set(changed.changes) == {"n", "pin", "seen", "card"}


def test_its_function_is_held_against_how_it_was_made_and_goes_with_it(world: PostgresWorld) -> None:
    names = "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE proname LIKE 'capture_%_computed_%'"
    world.watch(T)
    first, second = world.query(names)
    for damage in (f"DROP FUNCTION {first}", f"ALTER FUNCTION {second} SECURITY DEFINER",
                   "ALTER TABLE t ALTER twice SET EXPRESSION AS (n * 3)"):  # fmt: skip
        world.run(damage)
        (drifted,) = world.covered()
        assert "computes a virtual column" in str(drifted.reason)
        world.watch()
        assert world.covered() == [drifted._replace(state="watched", reason=None)]
    world.run("INSERT INTO t VALUES (1, 5)")
    assert rows(world)[0].changes["twice"] == {"new": 15}
    world.run("ALTER TABLE t DROP joint")
    world.watch()
    assert len(world.query(names)) == 1
    app = world.role("app", "GRANT ALL ON t TO {}")
    with world.client(app) as db:
        db.execute("INSERT INTO t VALUES (2, 5)")
    world.unwatch("t")
    assert world.query(names) == []


def test_a_large_value_is_recorded_by_its_size_and_hash(world: PostgresWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "LARGE", 1_000_000)
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, x text, v text GENERATED ALWAYS AS (lower(x)) VIRTUAL)")
    world.run("INSERT INTO t VALUES (1, repeat('A', 2000000))")
    (created,) = rows(world)
    sha256 = hashlib.sha256(b"a" * 2_000_000).hexdigest()
    assert created.changes["v"]["new"] == {"sha256": sha256, "size": 2_000_000, "preview": ""}
    assert world.differences() == []
