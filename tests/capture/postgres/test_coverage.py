"""Whatever is done to capture on PostgreSQL, `coverage` names it, and watching again mends it."""

import pytest

from indelible.capture.coverage import Coverage
from indelible.errors import CaptureError
from tests.capture.postgres.world import PostgresWorld

T = "CREATE TABLE t (id int PRIMARY KEY, x text)"
DRIFTS = {
    "DROP TRIGGER indelible_update ON t": "the trigger indelible_update of t is missing",
    "ALTER TABLE t DISABLE TRIGGER indelible_delete": "the trigger indelible_delete of t is switched off",
    "ALTER TABLE t ENABLE TRIGGER indelible_create": "the trigger indelible_create of t is switched off",
    "ALTER TABLE t ADD COLUMN y int": "columns: y added",
    "ALTER TABLE t RENAME COLUMN x TO z": "columns: z added; x gone",
    "ALTER TABLE t ALTER COLUMN x TYPE varchar(9)": "columns: x of another type",
    "ALTER TABLE t DROP COLUMN x": "columns: x gone",
    "ALTER TABLE t RENAME TO u": "the table was watched as 't' and renamed since",
    "ALTER TABLE t RENAME TO old; CREATE TABLE t (id int PRIMARY KEY, x text)": "renamed since",
    "DROP TABLE t": "the table was dropped",
}


@pytest.mark.parametrize("damage", DRIFTS)
def test_each_drift_is_named_with_its_remedy_and_mended_by_it(world: PostgresWorld, damage: str) -> None:
    world.watch(T)
    assert world.covered() == [Coverage("t", "watched")]
    world.db.execute(damage)
    (drifted,) = [each for each in world.covered() if each.state == "drifted"]
    assert DRIFTS[damage] in str(drifted.reason)
    assert str(drifted.reason).endswith("Run indelible watch again.")
    world.watch_all()
    assert all(each.clean for each in world.covered())
    if "TRIGGER" in damage:
        told = [entry.changes for entry in world.sealed() if entry.action == "AUDIT_CAPTURE_MENDED"]
        assert told == [{"capture": {"old": DRIFTS[damage], "new": "watched"}}]


def test_a_body_that_was_changed_is_named(world: PostgresWorld) -> None:
    world.watch(T)
    (name,) = world.query("SELECT proname FROM pg_proc WHERE proname LIKE 'capture_%_update'")
    world.db.execute(
        f'CREATE OR REPLACE FUNCTION indelible."{name}"() RETURNS trigger LANGUAGE plpgsql AS '
        "'BEGIN RETURN NULL; END'"
    )
    (drifted,) = world.covered()
    assert "is not as this version makes it" in str(drifted.reason)


def test_what_nobody_watches_and_what_is_excluded_is_told(world: PostgresWorld) -> None:
    world.db.execute(f"{T}; CREATE TABLE cache (x text); CREATE TABLE later (x text)")
    world.watch(tables=["t"], map_text='[cache]\nexclude = "Can be made again."')
    assert world.covered() == [
        Coverage("cache", "excluded", "Can be made again."), Coverage("later", "not covered"), Coverage("t", "watched"),
    ]  # fmt: skip


def test_a_table_that_is_excluded_later_is_recorded_no_more(world: PostgresWorld) -> None:
    world.watch(T)
    world.watch(map_text='[t]\nexclude = "No longer of interest."')
    world.run("INSERT INTO t VALUES (1, 'x')")
    assert [entry for entry in world.sealed() if entry.entity.type == "T"] == []
    assert world.query(
        "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'indelible%' AND tgrelid = 't'::regclass"
    ) == [0]


def test_unwatch_leaves_nothing_of_the_table_and_is_on_record(world: PostgresWorld) -> None:
    world.watch(T)
    world.unwatch("t")
    assert world.covered() == [Coverage("t", "not covered")]
    assert world.query("SELECT count(*) FROM pg_proc WHERE proname LIKE 'capture_%'") == [0]
    assert "AUDIT_CAPTURE_STOPPED" in [entry.action for entry in world.sealed()]
    with pytest.raises(CaptureError, match=r"'t' is not watched"):
        world.unwatch("t")


def test_watching_twice_touches_nothing(world: PostgresWorld) -> None:
    state = (
        "SELECT oid::text, xmin::text FROM pg_trigger WHERE tgname LIKE 'indelible%' UNION ALL SELECT p.oid::text, "
        "p.xmin::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'indelible' ORDER BY 1"
    )
    world.watch(
        f"{T}; CREATE TABLE p (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('a')"
    )
    before = world.query(state)
    world.watch()
    assert world.query(state) == before
    assert len(before) > 10
