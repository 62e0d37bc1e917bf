"""A folder of tiles, as a mirror has it: whoever holds it needs nobody else but the key."""

import os
import re
from heapq import merge
from operator import attrgetter
from pathlib import Path

from indelible.errors import MalformedError, NotFoundError, VerificationError
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import Keyring
from indelible.merkle.tile import WIDTH, Tile, completed, split, tiles, unbundle
from indelible.merkle.tree import HASH_SIZE
from indelible.verify.rebuilt import Progress, Rebuilt, Report, check_line, keyring, opened

_SIZE = re.compile(r"[0-9]{12}")  # as they are filed: `publish/folder.py`


def verify_tiles(
    folder: Path, verifier: Verifier, progress: Progress = lambda _: None, *, known: Checkpoint | None = None
) -> Report:
    """Every entry and every tile, against the checkpoints in the folder. Raises VerificationError, NotFoundError."""
    keys = keyring(verifier, _changes(folder))
    paths = filed(folder / "checkpoints")  # first: what is published meanwhile is for the next time
    newest = _opened(folder / "checkpoint", keys)
    earlier = (_opened(path, keys, int(path.name)) for path in paths)
    tree = Rebuilt(merge(earlier, [newest], key=attrgetter("size")), [known])
    nodes: dict[int, list[bytes]] = {}  # above the leaves, by level
    for index in range(-(-newest.size // WIDTH)):
        width = min(WIDTH, newest.size - index * WIDTH)
        lines, hashes = _entries(folder, index, width), _hashes(folder, Tile(0, index, width))
        for seq, (line, hash_) in enumerate(zip(lines, hashes, strict=True), index * WIDTH):
            if seq % WIDTH == WIDTH - 1:
                for level, _, node in completed(tree.frontier, hash_):
                    nodes.setdefault(level, []).append(node)
            tree.add(seq, line, hash_)
            check_line(seq, line)
        progress(tree.frontier.size)
    tree.finish(copy=True)
    _check_nodes(folder, newest.size, nodes)
    return Report(verifier.name, newest.size, newest.size, newest.root)


def filed(checkpoints: Path) -> list[Path]:
    """The checkpoints in a folder of them, the smaller first; what else somebody put there is none."""
    if not checkpoints.is_dir():
        return []
    with os.scandir(checkpoints) as found:
        return sorted(checkpoints / each.name for each in found if _SIZE.fullmatch(each.name) and each.is_file())


def _changes(folder: Path) -> list[str]:
    """Of the log's key, if there were any."""
    try:
        paths = sorted((folder / "keys").glob("[0-9]*"))
        _check_files(paths)
        return [path.read_bytes().decode("utf-8", "replace") for path in paths]
    except OSError as error:
        raise VerificationError("re-signed", f"a change of the key cannot be read: {error}.") from error


def _check_nodes(folder: Path, size: int, nodes: dict[int, list[bytes]]) -> None:
    for tile in tiles(size):
        if isinstance(tile.level, int) and tile.level > 0:
            ours = nodes[tile.level][tile.places.start : tile.places.stop]
            if _hashes(folder, tile) != ours:
                raise VerificationError("changed", f"{tile} does not have the hashes of the entries below it.")


def _entries(folder: Path, index: int, width: int) -> list[bytes]:
    first = index * WIDTH
    data, whole = _read(folder, Tile("entries", index, width), first)
    try:
        lines = unbundle(data)
    except MalformedError as error:
        raise VerificationError("changed", f"the entries from {first}: {error}", first) from error
    if len(lines) < whole:
        raise VerificationError("missing", f"entry {first + len(lines)} is not in its bundle.", first + len(lines))
    if len(lines) > whole:
        raise VerificationError("added", f"the bundle of the entries from {first} has {len(lines)}.", first + whole)
    return lines[:width]


def _hashes(folder: Path, tile: Tile) -> list[bytes]:
    first = tile.places.start if tile.level == 0 else None
    data, whole = _read(folder, tile, first)
    try:
        hashes = split(data)
    except MalformedError as error:
        raise VerificationError("changed", f"{tile}: {error}", first) from error
    if len(hashes) != whole:
        kind = "missing" if len(hashes) < whole else "added"
        raise VerificationError(kind, f"{tile} has {len(hashes)} hashes of {HASH_SIZE} bytes, not {whole}.", first)
    return hashes[: tile.width]


def _read(folder: Path, tile: Tile, first: int | None) -> tuple[bytes, int]:
    """And how many are to be in it. tlog-tiles, Partial Tiles: once the full one is there, the partial need not be."""
    for each in (tile, Tile(tile.level, tile.index)):
        if (folder / str(each)).is_file():
            return (folder / str(each)).read_bytes(), each.width
    raise VerificationError("missing", f"{tile} is not there.", first)


def _check_files(paths: list[Path]) -> None:
    """A pipe would be waited for."""
    for path in paths:
        if path.exists() and not path.is_file():
            raise VerificationError("re-signed", f"{path} is no file.")


def _opened(path: Path, keys: Keyring, size: int | None = None) -> Checkpoint:
    """`size`: under which it is filed."""
    try:
        _check_files([path])
        note = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is not there: this is no folder of tiles.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise VerificationError("re-signed", f"{path} cannot be read: {error}.") from error
    return opened(note, keys, str(path), size)
