"""What stands beside the lines and is held against them all the same."""

from collections.abc import Callable

import apsw
import pytest

from indelible import Actor, acting_as
from indelible.errors import VerificationError
from indelible.merkle.tree import EMPTY_ROOT
from indelible.verify import verify_log
from tests.attacks import rename, run
from tests.checking import on_sqlite
from tests.shell import Shell
from tests.world import World


def cut_later(nonce: bytes, value: bytes) -> tuple[bytes, bytes]:
    """What is hashed is the same."""
    return nonce + value[:-3], value[-3:]


EMPTY = run("UPDATE head SET size = 0, frontier = ?, root = ?", b"", EMPTY_ROOT)
CHANGES: dict[str, Callable[[Shell], object]] = {
    "a name that searches compare": rename("entity", "x", "folded"),
    "an e-mail that searches compare": rename("actor", "x", "folded"),
    "a value beside the log": run("UPDATE attachment SET value = ?", bytes(1)),
    "where a value beside the log begins": lambda db: db.run(
        "UPDATE attachment SET nonce = ?, value = ?", *cut_later(*db.rows("SELECT nonce, value FROM attachment")[0])
    ),
    "the size under which a checkpoint is filed": run("UPDATE checkpoint SET size = 99"),
}


@pytest.fixture
def world(either: World) -> World:
    """On every store."""
    return either


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_beside_the_lines_is_found(world: World, name: str) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", map_text='[t]\nname = "x"')
    world.run("INSERT INTO t VALUES (1, ?)", ("a" * 20_000,))
    world.sealed()
    change(world, CHANGES[name])
    with pytest.raises(VerificationError):
        verify_log(world.log, world.log.verifier)


def test_a_log_cut_with_its_checkpoints_is_found_while_the_signers_state_is_there(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.run("INSERT INTO t VALUES (1), (2)")
    world.sealed()
    change(world, *(run(f"DELETE FROM {table}") for table in ("leaf", "entry", "checkpoint")), EMPTY)
    with pytest.raises(VerificationError):
        verify_log(world.log, world.log.verifier)


def change(world: World, *steps: Callable[[Shell], object]) -> None:
    with world.shell() as db:
        db.disarm()
        for step in steps:
            step(db)


def test_names_of_several_lines_are_no_false_alarm(world: World) -> None:
    world.watch("CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT)", map_text='[t]\nname = "x"\norganization = "id"')
    with acting_as(Actor(id="u\n1", name="Dana\nLee", email="d\r\n@x"), source="por\ntal"):
        with world.engine().begin() as db:
            db.exec_driver_sql("INSERT INTO t VALUES (?, ?)", ("k\ney", "two\n\nlines\n"))
        world.engine().dispose()
    assert len(world.sealed()) == 1


def test_a_trigger_that_is_called_almost_as_statistics_are_is_found(file_world: World) -> None:
    with file_world.shell() as db:
        db.run("CREATE TRIGGER sqlitexstat1 BEFORE INSERT ON attachment BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(VerificationError, match="schema: sqlitexstat1"):
        verify_log(file_world.log, file_world.log.verifier)


def test_an_index_that_lacks_a_row_is_found(file_world: World) -> None:
    world = file_world
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    world.run("INSERT INTO t VALUES (1), (2), (3)")
    world.sealed()
    db = apsw.Connection(str(on_sqlite(world.log).path))
    db.execute("CREATE INDEX short ON entry (id) WHERE seq <> 1")
    ((root,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'short'").fetchall()
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    db.pragma("writable_schema", 1)
    db.execute("DELETE FROM sqlite_master WHERE name = 'short'")
    db.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'sqlite_autoindex_entry_1'", (root,))
    db.close()
    with pytest.raises(VerificationError, match=r"row 2 missing from index sqlite_autoindex_entry_1|never used"):
        verify_log(world.log, world.log.verifier)
