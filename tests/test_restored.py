"""Old copies put back, files lost, lines rewritten: refused with a word for it, and no change is lost meanwhile."""

import shutil
import tempfile
from pathlib import Path

import apsw
import pytest

from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.translate import translate
from indelible.errors import LogError, VerificationError
from indelible.log import Log
from indelible.monitor import Monitor
from tests.attacks import consistent_head
from tests.checking import check
from tests.store.test_log import happened
from tests.world import World


@pytest.fixture
def world(world: World) -> World:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    change(world, 1)
    world.sealed()
    return world


def change(world: World, id_: int) -> None:
    world.run("INSERT INTO t VALUES (?, 'x')", (id_,))


def copy(world: World, name: str) -> Path:
    """A backup of one database, as its shell's `.backup` makes it."""
    to = Path(tempfile.mkdtemp(dir=world.folder)) / name
    db = apsw.Connection(str(world.folder / name))
    db.execute("VACUUM INTO ?", (str(to),))
    db.close()
    return to


def put_back(world: World, copied: Path) -> None:
    """Stop, replace the file, start."""
    world.let_go()
    world.log.close()
    world.db.close()
    name = copied.name
    for suffix in ("-wal", "-shm"):
        (world.folder / f"{name}{suffix}").unlink(missing_ok=True)
    shutil.copy(copied, world.folder / name)
    world.log = Log.open(world.log_url)
    world.reconnect()


def ids(world: World) -> list[str]:
    return [entry.entity.id for entry in check(world.log)]


def grown(world: World) -> Path:
    """By two entries that are signed; gives a copy from before."""
    old = copy(world, "audit.db")
    change(world, 2)
    change(world, 3)
    world.sealed()
    return old


def test_a_log_restored_from_an_older_copy_is_refused_and_loses_no_change(world: World) -> None:
    old = grown(world)
    newest = copy(world, "audit.db")
    put_back(world, old)
    change(world, 4)
    for _ in range(3):
        with pytest.raises(VerificationError, match=r"rolled back: the log has 1 entries, and 3 were signed"):
            world.sealer.seal()
    assert world.waiting() == 1
    put_back(world, newest)
    assert [entry.entity.id for entry in world.sealed()] == ["1", "2", "3", "4"]


def test_an_older_log_that_grew_as_long_again_is_a_fork_and_never_signed(world: World) -> None:
    old = grown(world)
    put_back(world, old)
    with world.log.store.appending() as appending:  # as a machine does that does not remember what this one signed
        for _ in range(3):
            appending.add(happened())
    change(world, 4)
    with pytest.raises(VerificationError, match=r"forked"):
        world.sealer.seal()
    assert world.log.signed_size() == 1
    assert world.waiting() == 1


def test_into_an_older_copy_nothing_of_our_own_is_sealed_and_its_finding_stays(world: World) -> None:
    old = grown(world)
    newest = copy(world, "audit.db")
    put_back(world, old)
    found = []
    for _ in range(3):  # each time a server is started
        found.append(str(Monitor(world.log).check()))
        with pytest.raises(VerificationError, match=r"rolled back: the log has 1 entries, and 3 were signed"):
            world.log.append([happened()])
        assert world.log.head().size == 1
    cut = "truncated: 3 entries were signed and 1 are there. It was cut, or is an older copy. Restore the newest one."
    assert found == [cut] * 3
    put_back(world, newest)
    assert Monitor(world.log).check() is None
    assert world.log.append([happened()]) == [3]


def test_an_application_restored_from_an_older_copy_is_recorded_on(world: World) -> None:
    """Outbox ids are given out a second time; the new records are no duplicates of the old ones."""
    old = copy(world, "app.db")
    change(world, 2)
    change(world, 3)
    world.sealed()
    put_back(world, old)
    change(world, 4)
    change(world, 5)
    assert [entry.entity.id for entry in world.sealed()] == ["1", "2", "3", "4", "5"]


def test_an_application_restored_with_records_that_were_sealed_since_repeats_none(world: World) -> None:
    change(world, 2)
    old = copy(world, "app.db")
    world.sealed()
    put_back(world, old)
    assert world.waiting() == 1
    assert [entry.entity.id for entry in world.sealed()] == ["1", "2"]


def test_two_records_of_one_id_and_one_moment_are_two(world: World) -> None:
    """What is left to tell them apart, after a restore within a millisecond, is their token."""
    change(world, 2)
    columns = "id, watch, operation, at, context, n0, n1"
    world.run(f"CREATE TABLE kept AS SELECT {columns}, token + 1 AS token FROM indelible_outbox")
    world.sealed()
    world.run(f"INSERT INTO indelible_outbox ({columns}, token) SELECT {columns}, token FROM kept")
    assert [entry.entity.id for entry in world.sealed()] == ["1", "2", "2"]


def test_a_lost_state_file_is_made_again_from_the_log_and_its_checkpoints(world: World) -> None:
    state = world.folder / "audit.db.key.state"
    before = state.read_bytes()
    state.unlink()
    world.sealed()
    assert state.read_bytes() == before
    assert state.stat().st_mode & 0o777 == 0o600


def test_without_its_state_the_signer_still_holds_the_log_to_its_own_checkpoints(world: World) -> None:
    change(world, 2)
    world.sealed()
    (world.folder / "audit.db.key.state").unlink()
    rewrite(world, 0, b'"x"', b'"y"', head=True)
    change(world, 3)
    with pytest.raises(VerificationError, match=r"forked"):
        world.sealer.seal()


def test_without_its_state_the_signer_does_not_pass_its_checkpoint_by_where_a_line_is_missing(world: World) -> None:
    """The head is made to fit what is left: what was signed is compared at its own size, or nothing is signed."""
    for number in range(2, 12):
        change(world, number)
    world.sealed()
    (world.folder / "audit.db.key.state").unlink()
    with world.log.appending() as appending:
        for _ in range(5):
            appending.add(happened())
    with world.shell() as db:
        db.disarm()
        db.run("DELETE FROM leaf WHERE seq = 5")
        consistent_head(db)
    with pytest.raises(VerificationError, match=r"^truncated: of the first 11 entries the log holds 10"):
        world.log.sign()


@pytest.mark.parametrize("state", [b"", b"{}", b"\xff", b'{"origin":"audit.example/test","size":3,"frontier":"AA=="}'])
def test_a_damaged_state_file_is_refused_with_what_to_do(world: World, state: bytes) -> None:
    (world.folder / "audit.db.key.state").write_bytes(state)
    change(world, 2)
    with pytest.raises(LogError, match=r"is damaged: .* Delete it, and verify the log with a checkpoint you kept"):
        world.sealer.seal()


def test_a_state_file_of_another_log_is_refused(world: World) -> None:
    path = world.folder / "audit.db.key.state"
    path.write_bytes(path.read_bytes().replace(b"example/test", b"example/else"))
    with pytest.raises(LogError, match=r"is of audit.example/else; the key is for audit.example/test"):
        world.log.sign()


def test_a_line_rewritten_before_it_was_signed_is_not_signed(world: World) -> None:
    """Between commit and signature somebody with the file edits the line, and the head stays."""
    change(world, 2)
    with world.log.appending() as appending:
        outbox = SQLiteOutbox(world.app)
        for batch in outbox.batches():
            for record in batch.records:
                appending.add(translate(record, appending.names))
        outbox.close()
    rewrite(world, 1, b'"x"', b'"y"')
    with pytest.raises(VerificationError, match=r"forked"):
        world.log.sign()
    assert world.log.signed_size() == 1


def rewrite(world: World, seq: int, old: bytes, new: bytes, *, head: bool = False) -> None:
    with world.shell() as db:
        db.disarm()
        ((line,),) = db.rows("SELECT line FROM leaf WHERE seq = ?", seq)
        assert old in line
        db.run("UPDATE leaf SET line = ? WHERE seq = ?", line.replace(old, new), seq)
        if head:
            consistent_head(db)


@pytest.mark.parametrize("how", ["removed", "an older copy in its place"])
def test_a_file_that_is_taken_away_while_it_is_open_gets_nothing_and_is_an_alarm(world: World, how: str) -> None:
    older = copy(world, "audit.db")
    change(world, 2)
    world.sealed()
    monitor, path, kept = Monitor(world.log), world.folder / "audit.db", world.folder / "kept"
    assert monitor.check() is None
    path.rename(kept)
    if how != "removed":
        shutil.copy(older, path)
    with pytest.raises(VerificationError, match=r"rolled back: .* is not the file that was opened"):
        world.log.append([happened()])
    change(world, 3)
    with pytest.raises(VerificationError, match="is not the file that was opened"):
        world.sealed()
    assert "is not the file that was opened" in str(monitor.check())
    assert monitor.told({"status": "ok"})["status"] == "failing"
    kept.replace(path)
    world.sealed()
    assert monitor.check() is None
    assert ids(world)[:3] == ["1", "2", "3"], "what was captured meanwhile waited"
