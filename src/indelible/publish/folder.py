"""A mirror of the log in a folder: a static site, a git repository, another machine's share, a disk written once.

    checkpoint                        the newest, when all that it is of is there
    checkpoints/000000048213          each that was seen here, and none is ever written over
    tile/0/x001/234   tile/entries/x001/234.p/17
    keys/000000000000                 each change of the log's key

Whoever has the folder verifies it with the key alone, and holds the log to every checkpoint in it.
"""

from pathlib import Path

from indelible.errors import LogError, MalformedError, VerificationError
from indelible.files import beside, locked, sync
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tile import tiles
from indelible.publish.tiles import read_tile
from indelible.verify.tiles import filed

CHECKPOINT, CHECKPOINTS, KEYS = "checkpoint", "checkpoints", "keys"


def publish(log: Log, folder: Path, *, entries: bool = True) -> int:
    """Write what is new; gives the size of the log that the folder now has.

    `entries=False` leaves the tiles out: checkpoints alone say nothing of what is in the log. A crash leaves files that
    the next call writes again: the checkpoint comes last. Raises VerificationError if the folder's checkpoint is of
    more than there is, or not this log's, LogError if it cannot be written.
    """
    try:
        before = _published(log, folder)  # first: another server may publish here what is signed meanwhile
        note = log.checkpoint()
        return 0 if note is None else _publish(log, folder, note, before, entries=entries)
    except OSError as error:
        raise LogError(
            f"{error.filename or folder} cannot be written: {error.strerror}. The next try goes on."
        ) from error


def _publish(log: Log, folder: Path, note: str, before: int, *, entries: bool) -> int:
    checkpoint = log.keys.open(note)
    if before > checkpoint.size:
        message = f"{folder} has a checkpoint of {before} entries, and the log has {checkpoint.size} that are signed."
        raise VerificationError("rolled back", message)
    if entries:
        for tile in tiles(checkpoint.size, _tiled(folder, before)):
            _write(folder / str(tile), read_tile(log, tile))
    for number, change in enumerate(log.store.key_changes()):
        _write(folder / KEYS / f"{number:012}", change.encode())
    _keep(folder / CHECKPOINTS / f"{checkpoint.size:012}", note, checkpoint, log)
    with locked(folder):
        published = _published(log, folder)  # by another server, as far as that
        if published <= checkpoint.size:
            _write(folder / CHECKPOINT, note.encode())
    return max(published, checkpoint.size)


def newest(folder: Path) -> str | None:
    """The newest note of those that a folder has. Raises LogError if it cannot be read."""
    try:
        paths = filed(folder / CHECKPOINTS)
        return _read(paths[-1]) if paths else None
    except OSError as error:
        raise LogError(f"{error.filename or folder} cannot be read: {error.strerror}.") from error


def _published(log: Log, folder: Path) -> int:
    """The size that the folder has. What it says of itself is not believed: it opens with the log's key."""
    path = folder / CHECKPOINT
    return _opened(log, path).size if path.exists() else 0


def _tiled(folder: Path, size: int) -> int:
    """Up to which size the folder has tiles: checkpoints may have been put there alone."""
    edges = {tile.level: tile for tile in tiles(size)}  # the last of each level
    return size if all((folder / str(tile)).exists() for tile in edges.values()) else 0


def _keep(path: Path, note: str, checkpoint: Checkpoint, log: Log) -> None:
    """The first that was seen of this size stays; another tree of that size is another history."""
    if not path.exists():
        _write(path, note.encode())
    elif _opened(log, path) != checkpoint:
        raise VerificationError("forked", f"{path} is of another tree of {checkpoint.size} entries than the log's.")


def _opened(log: Log, path: Path) -> Checkpoint:
    note = _read(path)  # before the keys: it may be by one that is new
    try:
        return log.keys.open(note)
    except MalformedError as error:
        message = f"{path} is no checkpoint of this log: {error} Find out who wrote it; it stays."
        raise VerificationError("re-signed", message) from error


def _read(path: Path) -> str:
    """Whatever bytes somebody has put there; of what is no file none. A pipe would be waited for."""
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; what is there already, as it is, is left alone: some places let nothing be written twice."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as made:
        made.write_bytes(data)
        made.chmod(0o644)  # it is there to be read
        sync(made)
        made.replace(path)
