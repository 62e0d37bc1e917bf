"""A folder has the log as it was signed: whoever holds it and the key needs nobody else, and finds any change of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from indelible.errors import LogError, NotFoundError, VerificationError
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import SigningKey
from indelible.merkle.tile import Tile, bundle, unbundle
from indelible.publish import folder as folders
from indelible.publish.assurance import assurance
from indelible.publish.folder import publish
from indelible.publish.tiles import read_tile
from indelible.verify import tiles, verify_tiles
from tests.store.test_log import happened
from tests.world import World

FLIPS = 300


@pytest.fixture
def log(either: World) -> Log:
    """On every store."""
    either.log.append(happened() for _ in range(600))
    return either.log


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    assert publish(log, tmp_path / "mirror") == 600
    return tmp_path / "mirror"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_it_has_the_tiles_of_the_spec_and_grows_with_the_log(log: Log, folder: Path) -> None:
    for size in (601, 767, 768, 1300):
        log.append(happened() for _ in range(size - log.head().size))
        assert publish(log, folder) == size
        assert verify_tiles(folder, log.verifier).size == size
    names = [str(path.relative_to(folder)) for path in files(folder)]
    assert {"tile/0/000", "tile/0/005.p/20", "tile/entries/005.p/20", "tile/1/000.p/5", "checkpoint"} <= set(names)
    assert [name for name in names if name.startswith("checkpoints/")] == [
        f"checkpoints/{size:012}" for size in (600, 601, 767, 768, 1300)
    ]
    assert b"".join(line + b"\n" for line in unbundle((folder / "tile/entries/000").read_bytes())) == b"".join(
        line + b"\n" for _, _, line in log.leaves(0, 256)
    )


def test_what_is_published_while_it_is_verified_is_no_false_alarm(
    log: Log, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tiles._opened

    def meanwhile(path: Path, *arguments: Any) -> Checkpoint:
        found = opened(path, *arguments)
        if path.name == "checkpoint":
            log.append([happened()])
            publish(log, folder)
        return found

    monkeypatch.setattr(tiles, "_opened", meanwhile)
    assert verify_tiles(folder, log.verifier).size == 600
    assert verify_tiles(folder, log.verifier).size == 601


def test_a_second_call_writes_nothing(log: Log, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "beside", None)  # nothing is made
    assert publish(log, folder) == 600


def test_checkpoints_alone_say_nothing_of_the_entries(log: Log, tmp_path: Path) -> None:
    assert publish(log, tmp_path / "anchor", entries=False) == 600
    assert len(files(tmp_path / "anchor")) == 2
    assert assurance(log, [tmp_path / "anchor"]) == ("anchored", 600, str(tmp_path / "anchor"))
    assert publish(log, tmp_path / "anchor") == 600  # and later they may be put there, all of them
    assert verify_tiles(tmp_path / "anchor", log.verifier).size == 600


def test_tiles_may_follow_checkpoints_that_were_put_there_alone(log: Log, folder: Path) -> None:
    log.append(happened() for _ in range(300))
    assert publish(log, folder, entries=False) == 900
    with pytest.raises(VerificationError, match="missing"):
        verify_tiles(folder, log.verifier)
    assert publish(log, folder) == 900
    assert verify_tiles(folder, log.verifier).size == 900


def test_full_tiles_serve_for_partial_ones(log: Log, folder: Path) -> None:
    """As a mirror may have it that was read while it grew."""
    note = (folder / "checkpoint").read_text()
    log.append(happened() for _ in range(200))
    publish(log, folder)
    for path in files(folder):
        if ".p" in path.parts[-2]:
            path.unlink()
    (folder / "checkpoint").write_text(note)
    shutil.rmtree(folder / "checkpoints")
    for level in ("tile/1/000.p/2",):
        (folder / level).parent.mkdir(exist_ok=True)
        (folder / level).write_bytes(read_tile(log, Tile.parse(level)))
    assert verify_tiles(folder, log.verifier).size == 600


def test_a_write_that_fails_is_gone_on_with(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror, write, count = tmp_path / "mirror", folders._write, 0

    def fail(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(28, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(folders, "_write", fail)
    with pytest.raises(LogError, match="No space left on device"):
        publish(log, mirror)
    assert not (mirror / "checkpoint").exists()
    assert publish(log, mirror) == 600
    assert verify_tiles(mirror, log.verifier).size == 600


def test_what_is_not_signed_does_not_leave(log: Log, folder: Path) -> None:
    with log.appending() as appending:
        appending.add(happened())
    assert publish(log, folder) == 600
    with pytest.raises(NotFoundError, match="not among what is signed"):
        read_tile(log, Tile("entries", 2, 89))
    with pytest.raises(NotFoundError):
        read_tile(log, Tile(1, 0, 3))
    with pytest.raises(NotFoundError):
        read_tile(log, Tile(9, 0, 1))


def test_nothing_signed_is_nothing_to_publish(either: World, tmp_path: Path) -> None:
    assert publish(either.log, tmp_path / "mirror") == 0
    assert not (tmp_path / "mirror").exists()


def test_a_folder_of_another_log_is_left_alone(log: Log, folder: Path, tmp_path: Path) -> None:
    with Log.create(f"sqlite:///{tmp_path}/other.db") as other:
        other.append([happened()])
        with pytest.raises(VerificationError, match="re-signed"):
            publish(other, folder)
    assert verify_tiles(folder, log.verifier).size == 600


def forge(log: Log, folder: Path, size: int) -> None:
    """A checkpoint of another tree, with the log's own key."""
    assert log._signer is not None
    note = Checkpoint(log.origin, size, b"x" * 32).sign(log._signer._key)
    (folder / "checkpoints" / f"{size:012}").write_text(note)
    if size > 600:
        (folder / "checkpoint").write_text(note)


def test_another_history_elsewhere_is_an_alarm(log: Log, folder: Path) -> None:
    forge(log, folder, 600)
    with pytest.raises(VerificationError, match="has another checkpoint of 600 entries"):
        assurance(log, [folder])
    with pytest.raises(VerificationError, match="is of another tree of 600 entries"):
        publish(log, folder)
    forge(log, folder, 700)
    for tell in (lambda: publish(log, folder), lambda: assurance(log, [folder])):
        with pytest.raises(VerificationError, match=r"rolled back: .* has a checkpoint of 700 entries"):
            tell()


@pytest.mark.parametrize("step", ["_published", "_keep"])
def test_two_servers_that_publish_into_one_folder_raise_no_alarm_and_take_nothing_back(
    log: Log, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whichever is ahead, and at whatever step of the other."""
    taken = getattr(folders, step)

    def meanwhile(*arguments: Any) -> Any:
        found = taken(*arguments)
        monkeypatch.setattr(folders, step, taken)  # once: it is asked again under the lock, where no other comes in
        log.append([happened()])
        publish(log, folder)
        return found

    log.append([happened()])
    monkeypatch.setattr(folders, step, meanwhile)
    publish(log, folder)
    size = log.head().size
    assert verify_tiles(folder, log.verifier).size == size
    assert publish(log, folder) == size


def test_what_another_server_publishes_while_the_log_is_looked_at_is_no_alarm(
    log: Log, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = log.checkpoint

    def meanwhile() -> str | None:
        found = checkpoint()
        with monkeypatch.context() as patch:
            patch.setattr(log, "checkpoint", checkpoint)
            log.append([happened()])
            publish(log, folder)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(log, "checkpoint", meanwhile)
        assert publish(log, folder) == 601
    assert verify_tiles(folder, log.verifier).size == 601


STRAYS: dict[str, Callable[[Path], object]] = {
    "9-note.txt": lambda path: path.write_text("hello"),
    "99": lambda path: path.mkdir(),
    "000000000999": lambda path: path.mkdir(),
    "999999999999": os.mkfifo,
}


@pytest.mark.parametrize("name", STRAYS)
@pytest.mark.timeout(90)
def test_what_is_no_checkpoint_is_not_taken_for_one(log: Log, folder: Path, name: str) -> None:
    STRAYS[name](folder / "checkpoints" / name)
    assert assurance(log, [folder])[:2] == ("anchored", 600)
    assert publish(log, folder) == 600
    assert verify_tiles(folder, log.verifier).size == 600


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


ALTERED: dict[str, Callable[[Path], object]] = {
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "empty": lambda path: path.write_bytes(b""),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.timeout(90)
def test_a_checkpoint_that_was_altered_is_named(log: Log, folder: Path, name: str) -> None:
    replaced(folder / "checkpoint", ALTERED[name])
    with pytest.raises(VerificationError, match=r"re-signed: .*mirror/checkpoint is no checkpoint of this log"):
        publish(log, folder)
    assert refused(folder, log)[0] == "re-signed"


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.timeout(90)
def test_a_kept_checkpoint_that_was_altered_is_named(log: Log, folder: Path, name: str) -> None:
    kept = folder / "checkpoints" / f"{600:012}"
    replaced(kept, ALTERED[name])
    with pytest.raises(VerificationError, match=r"re-signed: .*checkpoints/000000000600 is no checkpoint of this log"):
        publish(log, folder)
    if kept.is_file():
        with pytest.raises(VerificationError, match=r"re-signed: the newest checkpoint of .*mirror is not this log's"):
            assurance(log, [folder])


def refused(folder: Path, log: Log) -> tuple[str, int | None]:
    with pytest.raises(VerificationError) as caught:
        verify_tiles(folder, log.verifier)
    return caught.value.kind, caught.value.seq


def entries(folder: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / "tile/entries" / name
    path.write_bytes(bundle(change(unbundle(path.read_bytes()))))


def piped(keys: Path) -> None:
    keys.mkdir()
    os.mkfifo(keys / "0")


CHANGES: dict[str, tuple[Callable[[Path], object], str, int | None]] = {
    "entry edited": (
        lambda f: entries(f, "001", lambda e: [*e[:7], e[7].replace(b"dana", b"kimm"), *e[8:]]), "changed", 263,
    ),
    "entry removed": (lambda f: entries(f, "001", lambda e: [*e[:7], *e[8:]]), "missing", 511),
    "last entry removed": (lambda f: entries(f, "002.p/88", lambda e: e[:-1]), "missing", 599),
    "entries swapped": (lambda f: entries(f, "001", lambda e: [e[1], e[0], *e[2:]]), "changed", 256),
    "entry added": (lambda f: entries(f, "001", lambda e: [*e[:7], e[3], *e[7:]]), "added", 512),
    "entry added behind the last": (lambda f: entries(f, "002.p/88", lambda e: [*e, e[0]]), "added", 600),
    "hash added behind the last": (
        lambda f: (f / "tile/0/002.p/88").write_bytes((f / "tile/0/002.p/88").read_bytes() + bytes(32)), "added", 512,
    ),
    "checkpoint with other line ends": (
        lambda f: (f / "checkpoint").write_bytes((f / "checkpoint").read_bytes().replace(b"\n", b"\r\n")), "re-signed",
        None,
    ),
    "a folder for a change of the key": (lambda f: (f / "keys/0").mkdir(parents=True), "re-signed", None),
    "a pipe for a change of the key": (lambda f: piped(f / "keys"), "re-signed", None),
    "bundle cut": (lambda f: (f / "tile/entries/001").write_bytes(b"\x01"), "changed", 256),
    "bundle gone": (lambda f: (f / "tile/entries/001").unlink(), "missing", 256),
    "tile gone": (lambda f: (f / "tile/0/001").unlink(), "missing", 256),
    "tile cut": (lambda f: (f / "tile/0/001").write_bytes(bytes(320)), "missing", 256),
    "tile of no hashes": (lambda f: (f / "tile/0/001").write_bytes(bytes(33)), "changed", 256),
    "tile above gone": (lambda f: (f / "tile/1/000.p/2").unlink(), "missing", None),
    "tile above edited": (lambda f: (f / "tile/1/000.p/2").write_bytes(bytes(64)), "changed", None),
    "checkpoint edited": (
        lambda f: (f / "checkpoint").write_text((f / "checkpoint").read_text().replace("600", "601")), "re-signed",
        None,
    ),
    "an earlier checkpoint edited": (
        lambda f: (f / "checkpoints/000000000600").write_bytes(b"\xff"), "re-signed", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_it_is_found_and_named(log: Log, folder: Path, name: str) -> None:
    change, kind, seq = CHANGES[name]
    change(folder)
    assert refused(folder, log) == (kind, seq)


def test_an_earlier_checkpoint_of_another_history_is_found(log: Log, folder: Path) -> None:
    log.append([happened()])
    publish(log, folder)
    forge(log, folder, 600)
    assert refused(folder, log)[0] == "changed"


def test_the_key_is_not_in_it(log: Log, folder: Path) -> None:
    with pytest.raises(VerificationError, match="does not open with the key"):
        verify_tiles(folder, SigningKey.generate(log.origin).verifier)
    with pytest.raises(NotFoundError, match="this is no folder of tiles"):
        verify_tiles(folder / "tile", log.verifier)


def test_a_bit_flipped_anywhere_is_found(log: Log, folder: Path) -> None:
    paths, random, signature = files(folder), Random(5), 0  # noqa: S311 - the same flips in each run
    for _ in range(FLIPS):
        path = random.choice(paths)
        data = path.read_bytes()
        at = random.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
        kind, seq = refused(folder, log)
        if "entries" in path.parts:
            first = int(path.parts[-1] if ".p" not in path.parts[-2] else path.parts[-2].split(".")[0]) * 256
            assert seq is not None
            assert first <= seq < first + 256
        signature += kind == "re-signed"
        path.write_bytes(data)
    assert signature
    assert verify_tiles(folder, log.verifier).size == 600
