"""Tiles (c2sp.org/tlog-tiles): the tree cut into pieces that never change, and the entries in bundles of the same cut.

    tile/0/x001/x234/067        256 leaf hashes               tile/1/001     256 hashes, each of a full tile of level 0
    tile/0/x001/x234/068.p/17   the first 17, at an edge      tile/entries/x001/x234/067

Whoever holds those of a checkpoint's size can make every proof.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Self

from indelible.errors import MalformedError
from indelible.merkle.tree import HASH_SIZE, Frontier, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 63
LENGTH_SIZE = 2  # bytes before each entry of a bundle
_PATH = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)

# Hashes of complete subtrees: (level, start, stop) -> those of 256 ** level leaves each, from `start`.
Nodes = Callable[[int, int, int], Iterable[bytes]]


@dataclass(frozen=True)
class Tile:
    """Piece `index` of a level, with its first `width` hashes or, of "entries", its first `width` entries."""

    level: int | Literal["entries"]
    index: int
    width: int = WIDTH

    def __str__(self) -> str:
        """Its path: zero-padded elements of three digits, all but the last with an x before them."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{''.join(f'x{part}/' for part in parts[:-1])}{parts[-1]}{partial}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """Parse by round trip: accepted only if it would be written so. Raises MalformedError."""
        found = _PATH.fullmatch(path) if len(path) <= 100 else None  # noqa: PLR2004 - far beyond any log
        if found is not None:
            level, index, width = found.groups()
            tile = cls(
                "entries" if level == "entries" else int(level),
                int(index.replace("x", "").replace("/", "")),
                WIDTH if width is None else int(width),
            )
            if str(tile) == path and 0 < tile.width <= WIDTH and (level == "entries" or int(level) <= MAX_LEVEL):
                return tile
        raise MalformedError(f"{path[:100]!r} is no path of a tile: tile/0/001 or tile/entries/x001/234.p/5.")

    @property
    def places(self) -> range:
        """Of its hashes within their level, or of its entries."""
        return range(self.index * WIDTH, self.index * WIDTH + self.width)

    def within(self, size: int) -> bool:
        """Whether a tree of this size has all of it."""
        return self.places.stop <= (size if self.level == "entries" else size >> HEIGHT * self.level)


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Those of a tree of `size`, entries included, which one of `since` had not."""
    yield from _level("entries", size, since)
    level = 0
    while size >> HEIGHT * level:
        yield from _level(level, size >> HEIGHT * level, since >> HEIGHT * level)
        level += 1


def _level(level: int | Literal["entries"], size: int, since: int) -> Iterator[Tile]:
    if size == since:
        return
    for index in range(since // WIDTH, size // WIDTH):
        yield Tile(level, index)
    if size % WIDTH:
        yield Tile(level, size // WIDTH, size % WIDTH)


def bundle(lines: Iterable[bytes]) -> bytes:
    """Entries, each after its length, big-endian. Raises OverflowError for one of 65,536 bytes or more."""
    return b"".join(len(line).to_bytes(LENGTH_SIZE, "big") + line for line in lines)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises MalformedError."""
    lines, at = list[bytes](), 0
    while at < len(data):
        start = at + LENGTH_SIZE
        at = start + int.from_bytes(data[at:start], "big")
        lines.append(data[start:at])
    if at != len(data):
        raise MalformedError(f"The bundle is cut: {len(data)} bytes, and its last entry ends at {at}.")
    return lines


def subtree(run: range, nodes: Nodes) -> bytes:
    """The root of a run of leaves that begins at a subtree, as those of proofs do, from few hashes.

    RFC 6962 2.1: a run is a row of perfect subtrees, the largest first; each is made of up to 128 hashes of one tile.
    """
    start, roots = run.start, list[bytes]()
    for height in range(len(run).bit_length() - 1, -1, -1):
        if len(run) >> height & 1:
            level, leaves = height // HEIGHT, height % HEIGHT
            place = start >> level * HEIGHT
            roots.append(_perfect(list(nodes(level, place, place + (1 << leaves)))))
            start += 1 << height
    node = roots.pop()
    while roots:
        node = node_hash(roots.pop(), node)
    return node


def _perfect(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def completed(frontier: Frontier, leaf: bytes) -> list[tuple[int, int, bytes]]:
    """(level, number, hash) of each node above the leaves that appending this leaf makes final."""
    heights = enumerate(frontier.completes(leaf))
    return [(at // HEIGHT, frontier.size >> at, node) for at, node in heights if at and at % HEIGHT == 0]


def grow(frontier: Frontier, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
    """Append the hashes of leaves; gives what `completed` does, of all of them."""
    nodes, at = list[tuple[int, int, bytes]](), 0
    while at < len(leaves):
        last = at + WIDTH - 1 - frontier.size % WIDTH  # of the tile that is begun
        frontier.extend(leaves[at:last])
        if last < len(leaves):
            nodes += completed(frontier, leaves[last])
            frontier.append(leaves[last])
        at = last + 1
    return nodes


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile. Raises MalformedError."""
    if not data or len(data) % HASH_SIZE or len(data) > WIDTH * HASH_SIZE:
        raise MalformedError(f"A tile has 1 to {WIDTH} hashes of {HASH_SIZE} bytes; this one has {len(data)} bytes.")
    return [data[start:stop] for start, stop in pairwise(range(0, len(data) + 1, HASH_SIZE))]
