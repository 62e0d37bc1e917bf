"""SQLite itself refuses to change the log, whatever the statement and whatever the pragma."""

import itertools
from collections.abc import Iterable, Iterator

import apsw
import pytest

from indelible.store.sqlite.store import SQLiteStore
from tests.checking import check_signed, on_sqlite
from tests.store.test_log import happened
from tests.world import World

ENTRY = "id, at, action_id, operation_id, source_id, entity_type_id, entity_id, actor_id, organization_id"
NEXT = "(SELECT max(seq) + 1 FROM {table})"
REFUSED = {
    "leaf": [
        "UPDATE leaf SET line = x'00' WHERE seq = 1",
        "UPDATE OR IGNORE leaf SET seq = 9 WHERE seq = 1",
        "UPDATE OR REPLACE leaf SET seq = 0 WHERE seq = 1",
        "UPDATE leaf SET line = line",
        "DELETE FROM leaf",
        "DELETE FROM leaf WHERE seq = 2",
        "INSERT{or_} INTO leaf SELECT seq, hash, x'00' FROM leaf WHERE seq = 1",
        "INSERT{or_} INTO leaf SELECT seq + 7, hash, line FROM leaf WHERE seq = 1",
        "INSERT{or_} INTO leaf SELECT -1, hash, line FROM leaf WHERE seq = 1",
        "INSERT{or_} INTO leaf SELECT NULL, hash, line FROM leaf WHERE seq = 1",
        "INSERT INTO leaf SELECT 1, hash, x'00' FROM leaf WHERE seq = 1 ON CONFLICT DO UPDATE SET line = x'00'",
        "INSERT{or_} INTO leaf SELECT 3, hash, zeroblob(65536) FROM leaf WHERE seq = 1",
        "INSERT{or_} INTO leaf SELECT 3, x'00', line FROM leaf WHERE seq = 1",
    ],
    "entry": [
        "UPDATE entry SET at = 0",
        "UPDATE OR REPLACE entry SET id = (SELECT id FROM entry WHERE seq = 2) WHERE seq = 1",
        "DELETE FROM entry WHERE seq = 0",
        f"INSERT{{or_}} INTO entry SELECT seq, {ENTRY} FROM entry WHERE seq = 1",
        f"INSERT{{or_}} INTO entry SELECT 3, {ENTRY} FROM entry WHERE seq = 1",  # the id is known
        f"INSERT{{or_}} INTO entry SELECT 5, x'00', {ENTRY.removeprefix('id, ')} FROM entry WHERE seq = 1",
    ],
    "checkpoint": [
        "UPDATE checkpoint SET note = 'x'",
        "DELETE FROM checkpoint",
        "INSERT{or_} INTO checkpoint SELECT size, 'x' FROM checkpoint",
        "INSERT{or_} INTO checkpoint VALUES (1, 'x')",
        "INSERT INTO checkpoint VALUES (3, 'x') ON CONFLICT DO UPDATE SET note = 'x'",
    ],
    "organization_checkpoint": [
        "UPDATE organization_checkpoint SET note = 'x'",
        "DELETE FROM organization_checkpoint",
        "INSERT{or_} INTO organization_checkpoint SELECT organization, log_size, 'x' FROM organization_checkpoint",
        "INSERT{or_} INTO organization_checkpoint VALUES ('acme', 1, 'x')",
        "INSERT INTO organization_checkpoint VALUES ('acme', 3, 'x') ON CONFLICT DO UPDATE SET note = 'x'",
    ],
    "cosignature": [
        "UPDATE cosignature SET line = 'x'",
        "DELETE FROM cosignature",
        "INSERT INTO cosignature SELECT size, line FROM cosignature WHERE true ON CONFLICT DO UPDATE SET line = 'x'",
    ],
    "property": [
        "UPDATE property SET value = 'x'",
        "DELETE FROM property",
        "INSERT{or_} INTO property VALUES ('verifier', 'x')",
    ],
    "head": [
        "UPDATE head SET root = x'00'",
        "UPDATE head SET size = 2",
        "DELETE FROM head",
        "INSERT{or_} INTO head VALUES (1, 9, x'00', x'')",
        "INSERT{or_} INTO head VALUES (2, 9, x'00', x'')",
    ],
    "attachment": [
        "UPDATE attachment SET value = x'00'",
        "INSERT{or_} INTO attachment SELECT hash, nonce, x'00' FROM attachment",
    ],
    "entity": [
        "UPDATE entity SET type_id = 99",
        "UPDATE OR IGNORE entity SET key = key || 'x'",
        "UPDATE entity SET id = id + 9",
        "DELETE FROM entity",
    ],
}  # fmt: skip
NODES = [
    "UPDATE node SET hash = zeroblob(32)",
    "DELETE FROM node",
    "INSERT{or_} INTO node SELECT level, number, zeroblob(32) FROM node",
    "INSERT{or_} INTO node VALUES (1, 2, zeroblob(32))",
    "INSERT{or_} INTO node VALUES (2, 1, zeroblob(32))",
    "INSERT{or_} INTO node VALUES (1, -1, zeroblob(32))",
]  # of a log with one


def spelled(statements: Iterable[str]) -> list[str]:
    """In every way in which SQLite may be asked to get over a conflict."""
    ways = ("", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ROLLBACK")
    return [text.format(or_=or_) for text in statements for or_ in (ways if "{or_}" in text else ways[:1])]


@pytest.fixture
def world(file_world: World) -> World:
    """Three entries, one of them with a value beside the log."""
    world = file_world
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    with world.db:
        world.db.executemany("INSERT INTO t (x) VALUES (?)", [("a",), ("b" * 20_000,), ("c",)])
    world.sealed()
    world.log.organization_checkpoint("acme")
    world.log.store.add_cosignature(3, f"— witness {'A' * 100}\n")
    return world


@pytest.fixture(params=[0, 1], ids=["recursive_triggers off", "recursive_triggers on"])
def client(world: World, request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    """Somebody with the file and a shell."""
    db = apsw.Connection(str(on_sqlite(world.log).path))
    db.pragma("recursive_triggers", request.param)
    yield db
    db.close()


def content(db: apsw.Connection) -> dict[str, list[object]]:
    return {table: list(db.execute(f"SELECT * FROM {table}")) for table in REFUSED}


def test_every_way_of_changing_the_log_is_refused(world: World, client: apsw.Connection) -> None:
    before = content(client)
    for statement in spelled(itertools.chain.from_iterable(REFUSED.values())):
        try:
            client.execute(statement)
        except apsw.ConstraintError:
            pass
        else:
            # OR IGNORE may pass over a CHECK in silence; over a trigger's refusal it may not.
            assert "OR IGNORE" in statement, f"{statement} was not refused"
            assert "zeroblob" in statement or "x'00', line" in statement, statement
        assert content(client) == before, statement
    assert len(check_signed(world.log)) == 3


def test_no_hash_above_the_leaves_is_changed_or_added(world: World, client: apsw.Connection) -> None:
    world.log.append(happened() for _ in range(300))
    before = list(client.execute("SELECT * FROM node"))
    assert len(before) == 1
    for statement in spelled(NODES):
        with pytest.raises(apsw.ConstraintError):
            client.execute(statement)
    assert list(client.execute("SELECT * FROM node")) == before


def test_a_value_beside_the_log_can_be_taken_out_and_every_proof_stays(world: World, client: apsw.Connection) -> None:
    client.execute("DELETE FROM attachment")
    assert len(check_signed(world.log)) == 3


def test_reading_connections_cannot_write(world: World) -> None:
    with pytest.raises(Exception, match="readonly"):
        on_sqlite(world.log).select("INSERT INTO property VALUES ('a', 'b')")


def test_a_file_opened_by_the_store_is_synced_in_full(world: World) -> None:
    """What was acknowledged survives a power cut."""
    store = SQLiteStore(on_sqlite(world.log).path)
    with store:
        assert store._writer.pragma("synchronous") == 2
        assert store._writer.pragma("journal_mode") == "wal"
