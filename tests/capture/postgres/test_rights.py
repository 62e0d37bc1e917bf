"""Who may write to a table needs no right to what capture keeps, and has none; who may not watch is told so."""

import psycopg
import pytest

from indelible.capture.postgres.source import PostgresSource
from indelible.errors import CaptureError
from tests.capture.postgres.world import PostgresWorld
from tests.world import told

T = "CREATE TABLE t (id int PRIMARY KEY, tenant text, x text)"
ALL = "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON t TO {}"
FORBIDDEN = (
    "SELECT * FROM indelible.outbox",
    "INSERT INTO indelible.outbox (watch, operation, rows) VALUES (1, 'create', 1)",
    "DELETE FROM indelible.outbox",
    "TRUNCATE indelible.outbox",
    "UPDATE indelible.watch SET definition = NULL",
    "SELECT secret FROM indelible.source",
    "CREATE FUNCTION indelible.octets(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE t DISABLE TRIGGER ALL",
    "DROP TRIGGER indelible_update ON t",
)


def test_a_role_with_rights_on_the_table_alone_is_recorded(world: PostgresWorld) -> None:
    world.watch(T)
    role = world.role("clerk", ALL)
    with world.client(role) as clerk:
        clerk.execute("INSERT INTO t VALUES (1, 'a', 'x')")
        clerk.execute("UPDATE t SET x = 'y'")
        clerk.execute("TRUNCATE t")
    entries = world.sealed()
    assert [entry.operation for entry in entries] == ["create", "update", "delete"]
    assert {entry.actor.name for entry in entries} == {role}


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_it_reaches_nothing_that_capture_keeps(world: PostgresWorld, statement: str) -> None:
    world.watch(T)
    with world.client(world.role("clerk", ALL)) as clerk, pytest.raises(psycopg.errors.InsufficientPrivilege):
        clerk.execute(statement)
    world.run("INSERT INTO t VALUES (1, 'a', 'x')")
    assert len(world.sealed()) == 1


def test_what_row_level_security_hides_from_a_writer_is_hidden_from_no_record(world: PostgresWorld) -> None:
    world.watch(T)
    world.run("INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x')")
    world.run("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    world.run("CREATE POLICY own ON t USING (tenant = current_setting('app.tenant'))")
    with world.client(world.role("clerk", ALL)) as clerk:
        clerk.execute("SET app.tenant = 'a'")
        clerk.execute("UPDATE t SET x = 'y'")
        clerk.execute("TRUNCATE t")
    entries = [entry for entry in world.sealed() if entry.entity.type == "T"][2:]
    assert told(entries[:1]) == [("update", "1", {"x": {"old": "x", "new": "y"}})]
    assert sorted(entry.entity.id for entry in entries[1:]) == ["1", "2"]


def test_a_change_of_role_is_told(world: PostgresWorld) -> None:
    world.watch(T)
    role = world.role("clerk", ALL)
    with world.client(application_name="shell") as client:
        client.execute(f"SET ROLE {role}")
        client.execute("INSERT INTO t VALUES (1, 'a', 'x')")
    (entry,) = world.sealed()
    assert (entry.actor.type, entry.actor.name) == ("unknown", role)
    assert entry.metadata["database"] == {"user": "postgres", "role": role, "application": "shell"}


def test_a_role_that_may_not_watch_is_told_in_one_sentence_and_nothing_is_left(world: PostgresWorld) -> None:
    world.db.execute(T)
    role = world.role("clerk", ALL)
    source = PostgresSource(world.app_url.replace("postgres@", f"{role}@"))
    with pytest.raises(CaptureError, match=r"Watch as the role that owns the tables .* Nothing was changed in it"):
        source.watch(None, world.action_map(""))
    source.close()
    assert world.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'indelible'") == [0]


def test_an_owner_who_is_no_superuser_watches_without_notes_of_the_schema(world: PostgresWorld) -> None:
    role = world.role(
        "owner", f"GRANT CREATE ON DATABASE {world.database} TO {{}}", "GRANT CREATE ON SCHEMA public TO {}"
    )
    with world.client(role) as owner:
        owner.execute(T)
        source = PostgresSource(world.app_url.replace("postgres@", f"{role}@"))
        assert source.watch(None, world.action_map(""), baseline=False) == ["t"]
        assert [each.state for each in source.coverage()] == ["watched"]
        source.close()
        owner.execute("INSERT INTO t VALUES (1, 'a', 'x')")
        owner.execute("ALTER TABLE t ADD COLUMN y int")
    assert world.query("SELECT count(*) FROM pg_event_trigger") == [0]
    assert [e.operation for e in world.sealed()] == ["watch", "create"]
