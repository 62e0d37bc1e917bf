"""A mirror of the log in a folder: a static site, a git repository, another machine's share, a disk written once.

    checkpoint                        the newest, when all that it is of is there
    checkpoints/000000048213          each that was seen here, and none is ever written over
    tile/0/x001/234   tile/entries/x001/234.p/17
    keys/000000000000                 each change of the log's key

Whoever has the folder verifies it with the key alone, and holds the log to every checkpoint in it.
"""

from pathlib import Path

from indelible.errors import LogError, VerificationError
from indelible.files import beside, sync
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tile import tiles
from indelible.publish.tiles import read_tile

CHECKPOINT, CHECKPOINTS, KEYS = "checkpoint", "checkpoints", "keys"


def publish(log: Log, folder: Path, *, entries: bool = True) -> int:
    """Write what is new; gives the size of the log that the folder now has.

    `entries=False` leaves the tiles out: checkpoints alone say nothing of what is in the log. A crash leaves files that
    the next call writes again: the checkpoint comes last. Raises VerificationError if the folder's checkpoint is of
    another log, or of more than there is, LogError if it cannot be written.
    """
    note = log.checkpoint()
    if note is None:
        return 0
    checkpoint, before = log.keys.open(note), _published(log, folder)
    if before > checkpoint.size:
        message = f"{folder} has a checkpoint of {before} entries, and the log has {checkpoint.size} that are signed."
        raise VerificationError("rolled back", message)
    try:
        if entries:
            for tile in tiles(checkpoint.size, _tiled(folder)):
                _write(folder / str(tile), read_tile(log, tile))
        for number, change in enumerate(log.store.key_changes()):
            _write(folder / KEYS / f"{number:012}", change.encode())
        _keep(folder / CHECKPOINTS / f"{checkpoint.size:012}", note, checkpoint, log)
        _write(folder / CHECKPOINT, note.encode())
    except OSError as error:
        raise LogError(
            f"{error.filename or folder} cannot be written: {error.strerror}. The next try goes on."
        ) from error
    return checkpoint.size


def newest(folder: Path) -> str | None:
    """The newest note of those that a folder has."""
    path = max((folder / CHECKPOINTS).glob("[0-9]*"), default=None)
    return None if path is None else path.read_text()


def _published(log: Log, folder: Path) -> int:
    """The size that the folder has. What it says of itself is not believed: it opens with the log's key."""
    path = folder / CHECKPOINT
    return log.keys.open(path.read_text()).size if path.exists() else 0


def _tiled(folder: Path) -> int:
    """Up to which size the folder has tiles: checkpoints may have been put there alone."""
    path = folder / CHECKPOINT
    size = int(path.read_text().split("\n")[1]) if path.exists() else 0
    edges = {tile.level: tile for tile in tiles(size)}  # the last of each level
    return size if all((folder / str(tile)).exists() for tile in edges.values()) else 0


def _keep(path: Path, note: str, checkpoint: Checkpoint, log: Log) -> None:
    """The first that was seen of this size stays; another tree of that size is another history."""
    if not path.exists():
        _write(path, note.encode())
    elif log.keys.open(path.read_text()) != checkpoint:
        raise VerificationError("forked", f"{path} is of another tree of {checkpoint.size} entries than the log's.")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; what is there already, as it is, is left alone: some places let nothing be written twice."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as made:
        made.write_bytes(data)
        made.chmod(0o644)  # it is there to be read
        sync(made)
        made.replace(path)
