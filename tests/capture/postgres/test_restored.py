"""A dump, or a table that was remade, takes nothing back of what was said when the tables were watched."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from indelible.capture.coverage import Coverage
from indelible.capture.postgres.source import PostgresSource
from indelible.cli.capturing import reconcile
from indelible.errors import CoverageError
from tests.capture.postgres.world import PostgresWorld
from tests.postgres import Server

SECRET = "DE89 3704 0044"
MAP = '[people]\nentity = "Person"\nredact = ["iban"]\n[notes]\nentity = "Remark"\nredact = ["body"]'
TABLES = "people", "notes"
GONE = "the table that was watched is gone, and this one has its name"
# As where the restored tables have the oids that others had.
COLLIDE = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT w.relation AS old, c.oid AS new FROM indelible.watch w JOIN pg_class c
    ON c.oid = CASE table_name WHEN 'people' THEN 'notes' ELSE 'people' END::regclass
  LOOP
    UPDATE indelible.watch SET relation = each.new WHERE relation = each.old;
    EXECUTE (SELECT string_agg(format('ALTER FUNCTION %s RENAME TO %I;', oid::regprocedure,
      replace(proname, each.old::text, each.new::text)), '')
      FROM pg_proc WHERE proname LIKE format('capture_%s_%%', each.old));
  END LOOP;
END $$
"""


@pytest.fixture
def restored(world: PostgresWorld, postgres: Server, tmp_path: Path) -> Iterator[PostgresWorld]:
    """Two tables that were watched by a map, as a dump brings them into another database."""
    world.watch(
        "CREATE TABLE people (id int PRIMARY KEY, iban text, body text); INSERT INTO people VALUES (1, 'x', 'x');"
        "CREATE TABLE notes (id int PRIMARY KEY, iban text, body text); INSERT INTO notes VALUES (1, 'x', 'x')",
        map_text=MAP,
    )
    url = postgres.restored(world.app_url)
    (tmp_path / "restored").mkdir()
    there = PostgresWorld(tmp_path / "restored", url)
    yield there
    there.close()
    postgres.drop(url)


def watch(world: PostgresWorld) -> None:
    """Without a map."""
    with closing(PostgresSource(world.app_url)) as source:
        source.watch(None, None)


@pytest.mark.parametrize("collide", ["", COLLIDE])
def test_what_was_redacted_stays_so_in_a_restored_database(restored: PostgresWorld, collide: str) -> None:
    restored.db.execute(collide)
    assert restored.covered() == [Coverage.drifted(table, GONE) for table in sorted(TABLES)]
    for _ in range(2):
        watch(restored)
        assert restored.covered() == [Coverage(table, "watched") for table in sorted(TABLES)]
    restored.run(f"UPDATE people SET iban = '{SECRET}'")
    restored.run(f"INSERT INTO notes VALUES (2, 'seen', '{SECRET}')")
    entries = restored.sealed()
    assert {entry.entity.type for entry in entries} == {"Table", "Person", "Remark"}
    assert [entry.entity.id for entry in entries if entry.operation == "alter"] == []
    assert SECRET not in str([entry.changes for entry in entries])
    assert "seen" in str(entries[-1].changes)
    assert restored.differences() == []


def test_a_map_holds_for_its_own_tables_in_a_restored_database(restored: PostgresWorld) -> None:
    restored.db.execute(COLLIDE)
    restored.watch_all(map_text=MAP)
    assert {(e.entity.type, str(e.changes["iban"])) for e in restored.sealed() if e.operation == "baseline"} == {
        ("Person", "{'new': {'redacted': True}}"), ("Remark", "{'new': 'x'}"),
    }  # fmt: skip


REMADE = {
    "dropped": "CREATE TABLE a2 (LIKE people INCLUDING ALL); DROP TABLE people; ALTER TABLE a2 RENAME TO people",
    "kept beside it": "ALTER TABLE people RENAME TO a1; CREATE TABLE people (LIKE a1 INCLUDING ALL)",
}


@pytest.mark.parametrize("ddl", REMADE.values(), ids=REMADE)
def test_what_was_redacted_stays_so_in_a_table_that_was_remade(world: PostgresWorld, ddl: str) -> None:
    world.watch("CREATE TABLE people (id int PRIMARY KEY, iban text)", map_text='[people]\nredact = ["iban"]')
    world.db.execute(ddl)
    watch(world)
    world.run(f"INSERT INTO people VALUES (1, '{SECRET}')")
    entries = world.sealed()
    assert entries[-1].operation == "create"
    assert SECRET not in str([entry.changes for entry in entries])


def test_a_copy_of_the_files_is_watched_as_it_was(world: PostgresWorld, postgres: Server, tmp_path: Path) -> None:
    world.watch("CREATE TABLE t (id int PRIMARY KEY)")
    world.run("VACUUM (FULL, FREEZE)")
    world.run("ALTER TABLE t RENAME TO u")
    world.close()
    copy = f"{world.database}_copy"
    with psycopg.connect(postgres.url(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {copy} TEMPLATE {world.database}")
    (tmp_path / "copy").mkdir()
    with closing(PostgresWorld(tmp_path / "copy", postgres.url(copy))) as there:
        (drifted,) = there.covered()
        assert drifted.found == "the table was watched as 't' and renamed since"
        watch(there)
        assert [entry.operation for entry in there.sealed()][-1] == "watch"  # nothing anew
        assert there.covered() == [Coverage("u", "watched")]
    postgres.drop(postgres.url(copy))


def test_a_restored_database_does_not_pass_unlooked_at(restored: PostgresWorld) -> None:
    """Its tables are others than those that were watched: none of them is compared."""
    with pytest.raises(CoverageError, match=r"not compared, for they are no longer watched: notes, people\."):
        reconcile(restored.app_url, restored.log_url)
