"""Every way of writing to a table is recorded, with what it changed; nothing else is."""

from typing import Any

import pytest

from tests.world import World, told

LICENSES = "CREATE TABLE licenses (id INTEGER PRIMARY KEY, plan TEXT, seats INTEGER)"
TWO = "INSERT INTO licenses VALUES (1, 'free', 3), (2, 'pro', 5)"


def created(id_: int, plan: Any, seats: Any) -> tuple[str, str, dict[str, Any]]:
    return "create", str(id_), {"id": {"new": id_}, "plan": {"new": plan}, "seats": {"new": seats}}


def deleted(id_: int, plan: Any, seats: Any) -> tuple[str, str, dict[str, Any]]:
    return "delete", str(id_), {"id": {"old": id_}, "plan": {"old": plan}, "seats": {"old": seats}}


def updated(key: int, **changes: tuple[Any, Any]) -> tuple[str, str, dict[str, Any]]:
    return "update", str(key), {column: {"old": old, "new": new} for column, (old, new) in changes.items()}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO licenses VALUES (3, 'free', 1)", [created(3, "free", 1)]),
        ("INSERT INTO licenses (id) VALUES (3)", [created(3, None, None)]),
        (
            "INSERT INTO licenses SELECT id + 2, plan, seats FROM licenses",
            [created(3, "free", 3), created(4, "pro", 5)],
        ),
        ("INSERT OR IGNORE INTO licenses VALUES (1, 'x', 9), (3, 'y', 9)", [created(3, "y", 9)]),
        ("UPDATE licenses SET seats = 4 WHERE id = 1", [updated(1, seats=(3, 4))]),
        ("UPDATE licenses SET seats = 5", [updated(1, seats=(3, 5))]),
        ("UPDATE licenses SET plan = NULL WHERE id = 1", [updated(1, plan=("free", None))]),
        ("UPDATE licenses SET id = 7 WHERE id = 1", [updated(7, id=(1, 7))]),
        ("UPDATE licenses SET plan = plan, seats = seats", []),
        ("UPDATE licenses SET seats = 0 WHERE id = 99", []),
        ("DELETE FROM licenses WHERE id = 2", [deleted(2, "pro", 5)]),
        ("DELETE FROM licenses", [deleted(1, "free", 3), deleted(2, "pro", 5)]),
        (
            "INSERT INTO licenses VALUES (1, 'pro', 3) ON CONFLICT (id) DO UPDATE SET plan = excluded.plan",
            [updated(1, plan=("free", "pro"))],
        ),
        ("INSERT INTO licenses VALUES (1, 'pro', 3) ON CONFLICT DO NOTHING", []),
        ("WITH x AS (SELECT 2 AS id) DELETE FROM licenses WHERE id IN x", [deleted(2, "pro", 5)]),
    ],
)
def test_each_statement_leaves_exactly_its_changes(
    world: World, statement: str, expected: list[tuple[str, str, dict[str, Any]]]
) -> None:
    world.watch(LICENSES)
    world.run(TWO)
    world.sealed()
    world.run(statement)
    assert told(world.sealed()[2:]) == expected


def test_executemany_leaves_an_entry_for_each_row(world: World) -> None:
    world.watch(LICENSES)
    with world.db:
        world.db.executemany("INSERT INTO licenses VALUES (?, ?, ?)", [(i, "free", i) for i in range(1, 2501)])
    assert told(world.sealed()) == [created(i, "free", i) for i in range(1, 2501)]


def test_a_change_from_null_and_to_null_is_a_change(world: World) -> None:
    world.watch(LICENSES)
    world.run("INSERT INTO licenses VALUES (1, NULL, NULL)")
    world.run("UPDATE licenses SET plan = 'pro'")
    world.run("UPDATE licenses SET plan = NULL")
    assert told(world.sealed()[1:]) == [updated(1, plan=(None, "pro")), updated(1, plan=("pro", None))]


@pytest.mark.parametrize("collation", ["NOCASE", "RTRIM"])
def test_a_change_that_the_columns_collation_calls_equal_is_a_change(world: World, collation: str) -> None:
    world.watch(f"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT COLLATE {collation})")
    world.run("INSERT INTO users VALUES (1, 'Dana')")
    world.run("UPDATE users SET email = ?", ("dana" if collation == "NOCASE" else "Dana  ",))
    (_, changed) = world.sealed()
    assert changed.changes["email"]["old"] == "Dana"


def test_what_is_rolled_back_never_happened(world: World) -> None:
    world.watch(LICENSES)
    world.db.execute(TWO)
    world.db.rollback()
    assert world.sealed() == []


def test_what_a_savepoint_rolls_back_never_happened(world: World) -> None:
    world.watch(LICENSES)
    world.db.execute("INSERT INTO licenses VALUES (1, 'free', 3)")
    world.db.execute("SAVEPOINT s")
    world.db.execute("UPDATE licenses SET plan = 'stolen'")
    world.db.execute("ROLLBACK TO s")
    world.db.commit()
    assert told(world.sealed()) == [created(1, "free", 3)]


def test_a_statement_that_fails_halfway_leaves_nothing(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 3))")
    with pytest.raises(Exception, match="CHECK constraint"):
        world.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    assert world.sealed() == []


def test_rows_that_go_by_cascade_are_recorded(world: World) -> None:
    world.watch(
        "CREATE TABLE orgs (id INTEGER PRIMARY KEY);"
        "CREATE TABLE users (id INTEGER PRIMARY KEY, org INTEGER REFERENCES orgs ON DELETE CASCADE);"
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, org INTEGER REFERENCES orgs ON DELETE SET NULL)"
    )
    world.db.execute("PRAGMA foreign_keys = ON")
    world.run("INSERT INTO orgs VALUES (1)")
    world.run("INSERT INTO users VALUES (10, 1), (11, 1)")
    world.run("INSERT INTO keys VALUES (20, 1)")
    world.run("DELETE FROM orgs")
    gone = {(e.operation, e.entity.type, e.entity.id) for e in world.sealed()[4:]}
    assert gone == {
        ("delete", "Org", "1"), ("delete", "User", "10"), ("delete", "User", "11"), ("update", "Key", "20"),
    }  # fmt: skip


def test_what_the_applications_own_triggers_write_is_recorded(world: World) -> None:
    world.watch(
        f"{LICENSES}; CREATE TABLE totals (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO totals VALUES (1, 0);"
        "CREATE TRIGGER counted AFTER INSERT ON licenses BEGIN UPDATE totals SET n = n + 1; END"
    )
    world.run(TWO)
    assert sorted(e.action for e in world.sealed()) == ["LICENSE_CREATED"] * 2 + ["TOTAL_UPDATED"] * 2


@pytest.mark.parametrize("type_", ["", "BLOB", "a BLOB", "ANY"])
@pytest.mark.parametrize(("before", "after"), [("1", "1.0"), ("1.0", "1"), ("'a'", "x'61'"), ("1", "'1'")])
def test_a_value_that_changes_only_its_type_is_a_change(world: World, type_: str, before: str, after: str) -> None:
    strict = " STRICT" if type_ == "ANY" else ""
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x {type_}, secret {type_}){strict}")
    world.run(f"INSERT INTO t VALUES (1, {before}, {before})")
    world.run(f"UPDATE t SET x = {after}, secret = {after}")
    world.run("UPDATE t SET x = x, secret = secret")
    _, changed = world.sealed()
    assert type(changed.changes["x"]["old"]) is not type(changed.changes["x"]["new"])
    assert changed.changes["secret"] == {"old": {"redacted": True}, "new": {"redacted": True}}
