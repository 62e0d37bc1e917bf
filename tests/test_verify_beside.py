"""What stands beside the lines and is held against them all the same."""

from collections.abc import Callable

import apsw
import pytest

from indelible.errors import VerificationError
from indelible.merkle.tree import EMPTY_ROOT
from indelible.verify import verify_log
from tests.attacks import run
from tests.world import World

EMPTY = f"UPDATE head SET size = 0, frontier = x'', root = x'{EMPTY_ROOT.hex()}'"
CHANGES = {
    "a name that searches compare": run("UPDATE entity SET folded = 'x'"),
    "an e-mail that searches compare": run("UPDATE actor SET folded = 'x'"),
    "a value beside the log": run("UPDATE attachment SET value = x'00'"),
    "the size under which a checkpoint is filed": run("UPDATE checkpoint SET size = 99"),
}


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
    change(world, run("DELETE FROM leaf", "DELETE FROM entry", "DELETE FROM checkpoint", EMPTY))
    with pytest.raises(VerificationError):
        verify_log(world.log, world.log.verifier)


def change(world: World, do: Callable[[apsw.Connection], None]) -> None:
    db = apsw.Connection(str(world.log.store.path))
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    do(db)
    db.close()
