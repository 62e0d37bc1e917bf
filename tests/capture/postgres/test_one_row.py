"""A statement of one row takes a way of its own through the trigger: what is recorded is the same as of many."""

import pytest

from tests.capture.postgres.world import PostgresWorld
from tests.world import told

COUNTS = pytest.mark.parametrize("count", [1, 3])
REDACTED = '[t]\nredact = ["key"]'


@COUNTS
@pytest.mark.parametrize("change", ["DROP COLUMN x", "RENAME COLUMN x TO y"])
def test_a_column_that_is_gone_since_stops_no_write(world: PostgresWorld, count: int, change: str) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, n integer, x text)")
    world.db.execute("ALTER EVENT TRIGGER indelible_ddl DISABLE; ALTER EVENT TRIGGER indelible_drop DISABLE")
    world.run("INSERT INTO t VALUES (0, 0, 'x')")
    world.run(f"ALTER TABLE t {change}")
    world.run("INSERT INTO t (id, n) SELECT i, 1 FROM generate_series(1, %s) i", (count,))
    world.run("UPDATE t SET n = 2 WHERE id > 0")
    world.run("DELETE FROM t WHERE id > 0")
    entries = told(world.sealed())[1:]
    rows = range(1, count + 1)
    assert sorted(entries[:count]) == [("create", str(i), {"id": {"new": i}, "n": {"new": 1}}) for i in rows]
    assert sorted(entries[count : 2 * count]) == [("update", str(i), {"n": {"old": 1, "new": 2}}) for i in rows]
    assert sorted(entries[2 * count :]) == [("delete", str(i), {"id": {"old": i}, "n": {"old": 2}}) for i in rows]


@COUNTS
def test_that_a_redacted_value_changed_is_told_and_the_value_is_not(world: PostgresWorld, count: int) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, n integer, key text)", map_text=REDACTED)
    world.run("INSERT INTO t SELECT i, 0, 'hidden' FROM generate_series(1, %s) i", (count,))
    for write in ("n = 1", "key = 'other'", "key = NULL", "key = ''"):
        world.run(f"UPDATE t SET {write}")
    world.run("DELETE FROM t")
    assert not world.query(
        "SELECT 1 FROM indelible.outbox WHERE old::text ~ 'hidden|other' OR new::text ~ 'hidden|other'"
    )
    changed = [set(entry.changes) for entry in world.sealed()]
    expected = [{"id", "n", "key"}, {"n"}, {"key"}, {"key"}, {"key"}, {"id", "n", "key"}]
    assert changed == [columns for columns in expected for _ in range(count)]
