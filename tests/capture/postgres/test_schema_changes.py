"""Whatever becomes of a table's columns, the application's writes go on, and the rest is recorded."""

from typing import Any

import pytest

from indelible.capture.postgres.joined import joined
from tests.capture.postgres.world import PostgresWorld

COLUMNS = "n integer, b bigint, f double precision, d date, u uuid, j jsonb, a integer[], y bytea, m money, x text"
T = f"CREATE TABLE t (id integer PRIMARY KEY, {COLUMNS}, kept text DEFAULT 'seen')"
NAMES = [column.split()[0] for column in COLUMNS.split(", ")]
RETYPED = {
    "n": "bigint", "b": "text", "f": "numeric", "d": "timestamp", "u": "text", "j": "json", "a": "bigint[]",
    "y": "text USING 'a'", "m": "numeric", "x": "varchar(10)",
}  # fmt: skip
OTHERWISE = {"x": "integer USING 1", "y": "integer[] USING '{1}'"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change",
    [
        "DROP {name}",
        "RENAME {name} TO other",
        "ALTER {name} TYPE {type}",
        "ALTER {name} TYPE {otherwise}",
        "ADD z point",
    ],
)
@pytest.mark.parametrize("parted", ["", " PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT"])
def test_writes_go_on_and_what_is_left_is_recorded(world: PostgresWorld, name: str, change: str, parted: str) -> None:
    world.watch(T + parted)
    otherwise = OTHERWISE.get(name, RETYPED[name])
    world.run(f"ALTER TABLE t {change.format(name=name, type=RETYPED[name], otherwise=otherwise)}")
    world.run("INSERT INTO t (id) VALUES (1), (2)")
    world.run("INSERT INTO t (id) VALUES (3)")
    world.run("UPDATE t SET kept = 'new'")
    world.run("DELETE FROM t WHERE id = 1")
    world.run("TRUNCATE t")
    rows = [entry for entry in world.sealed() if not entry.action.startswith("AUDIT_")]
    assert [entry.operation for entry in rows] == ["create"] * 3 + ["update"] * 3 + ["delete"] * 3
    assert all(entry.changes["kept"] == {"old": "seen", "new": "new"} for entry in rows[3:6])
    assert all(each.state == "drifted" for each in world.covered())
    world.watch_all()
    assert all(each.state == "watched" for each in world.covered())


@pytest.mark.parametrize("parted", ["", " PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT"])
def test_a_connection_that_wrote_before_writes_on_and_what_it_writes_is_recorded(
    world: PostgresWorld, parted: str
) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, n integer, x text)" + parted)
    changes = ["ALTER n TYPE bigint", "DROP n", "ADD n integer", "ALTER x TYPE varchar(9)", "RENAME x TO y"]
    world.run("INSERT INTO t VALUES (0, 5, 'a')")
    for number, change in enumerate(changes, 1):
        world.run(f"ALTER TABLE t {change}")
        rest = ", 'a'" if change == "DROP n" else ", 5, 'a'" if number < 3 else ", 'a', 5"
        world.run(f"INSERT INTO t VALUES ({number}{rest})")
    told = [entry.changes for entry in world.sealed() if not entry.action.startswith("AUDIT_")]
    full: dict[str, Any] = {"n": {"new": 5}, "x": {"new": "a"}}
    wanted = [full, full, {"x": {"new": "a"}}, full, full, {"n": {"new": 5}}]
    assert told == [{"id": {"new": number}} | changes for number, changes in enumerate(wanted)]


@pytest.mark.parametrize(
    ("was", "held", "is_now", "using", "value", "told_of"),
    [
        ("boolean", "true", "text", "'hello'", "'world'", ("hello", "world")),
        ("integer", "1", "numeric", "n", "1.5", (1, "1.5")),
        ("integer", "1", "text", "'١٢'", "'1_000'", ("١٢", "1_000")),
        ("integer", "1", "text", "'00501'", "'-0'", ("00501", "-0")),
        ("integer", "1", "numeric", "n", "1" + "0" * 5000, (1, "1" + "0" * 5000)),
        ("float8", "1.5", "text", "'12.50'", "'1e+999'", ("12.50", "1e+999")),
        ("float8", "1.5", "float8", "n", "'-0'", (1.5, -0.0)),
        ("bigint", "1", "double precision", "n", "1.5", (1, "1.5")),
        ("float8", "1.5", "numeric", "n", "0.1234567890123456789123", (1.5, "0.1234567890123456789123")),
        ("float8", "1.5", "text", "'infinite'", "'1e5'", ("infinite", "1e5")),
        ("bytea", "'\\x00'", "text", "'xxab'", "'00cd'", ("xxab", "00cd")),
        ("bytea", "'\\x00'", "text", "'\\xABC'", "'\\x0'", ("\\xABC", "\\x0")),
        ("date", "'2026-01-01'", "text", "'soon'", "'late'", ("soon", "late")),
    ],
)
def test_values_of_another_type_are_told_as_they_are_until_it_is_watched_again(  # noqa: PLR0917
    world: PostgresWorld, was: str, held: str, is_now: str, using: str, value: str, told_of: tuple[object, object]
) -> None:
    world.watch(f"CREATE TABLE t (id integer PRIMARY KEY, n {was})")
    world.run(f"INSERT INTO t VALUES (1, {held})")
    world.run(f"ALTER TABLE t ALTER n TYPE {is_now} USING {using}")
    world.run(f"UPDATE t SET n = {value}")
    (entry,) = [entry for entry in world.sealed() if entry.operation == "update" and entry.entity.type == "T"]
    assert entry.changes == {"n": {"old": told_of[0], "new": told_of[1]}}
    assert world.differences() == []


def noted(world: PostgresWorld) -> list[str]:
    """The changes of the schema that are on record."""
    return [entry.changes["statement"]["new"] for entry in world.sealed() if entry.action == "AUDIT_SCHEMA_CHANGED"]


@pytest.mark.parametrize("savepoints", [0, 1, 2])
def test_a_migration_that_watches_is_on_record_for_what_it_changed_alone(world: PostgresWorld, savepoints: int) -> None:
    world.watch_all("CREATE TABLE t (id integer PRIMARY KEY)")
    with world.client(autocommit=False) as db:
        for number in range(savepoints):
            db.execute(f"SAVEPOINT s{number}")
        db.execute("ALTER TABLE t ADD x integer")
        with joined(db) as capture:
            capture.watch(["t"], None)
    assert noted(world) == ["ALTER TABLE t ADD x integer"]
    world.run('DROP TRIGGER "indelible_create" ON t')
    assert len(noted(world)) == 2


def test_a_change_is_on_record_though_somebody_watched_since_its_transaction_began(world: PostgresWorld) -> None:
    world.watch_all("CREATE TABLE t (id integer PRIMARY KEY)")
    with world.client(autocommit=False) as db:
        db.execute("SELECT pg_current_xact_id()")
        world.watch_all("ALTER TABLE t ADD x integer")
        db.execute("ALTER TABLE t ADD y integer")
    assert noted(world) == ["ALTER TABLE t ADD x integer", "ALTER TABLE t ADD y integer"]
