"""The blocks of a log, as far as they are its own."""

from itertools import chain

from indelible.errors import LogError
from indelible.index.block import Block
from indelible.index.folder import Folder, Writing
from indelible.index.image import DIMENSIONS
from indelible.index.kept import Kept
from indelible.index.making import Row, make
from indelible.index.same import same
from indelible.store.promise import Store

# Entries of a block. One of the largest takes two seconds and 160 MB to make; behind those are at most fourteen smaller
# ones, fifteen, and fifteen, then entries that are in none. Not 65,536: in a block names have numbers of 16 bits, from
# 1 on.
SIZES = (61_440, 4096, 256, 16)
SEEN = 64  # blocks of which it is kept that they are of this log: the last ones are asked about


class Blocks:
    """Reads them, and makes those that are missing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = Folder(store.index_path)
        self.kept = Kept()
        self._seen: set[tuple[int, bytes]] = set()  # to be of this log
        self._size = 0  # of the log when it was asked last

    def __str__(self) -> str:
        return str(self._folder.path)

    def upto(self, size: int) -> list[Block]:
        """Those of a log of this size, from entry 0 on, without a gap; what is behind them is to be read.

        A log that was put back to an older copy, and grew in another way, has other leaves: a block of what it was
        is none of it.
        """
        return list(chain.from_iterable(self._ours(size)))

    def _ours(self, size: int) -> list[list[Block]]:
        """For each size of a block."""
        if size < self._size:  # an older log may have been put in its place
            self._seen.clear()
        self._size = size
        ours, start = [], 0
        for length, blocks in zip(SIZES, self._folder.blocks(SIZES), strict=True):
            ours.append(self._going_on(start, length, blocks, size))
            start = _end(ours[-1], start)
        if len(self._seen) > SEEN:
            self._seen &= {(blocks[-1].stop, blocks[-1].last) for blocks in ours if blocks}
        return ours

    def _going_on(self, start: int, length: int, blocks: list[Block], size: int) -> list[Block]:
        """Those from entry `start` on, without a gap: what is not there would be hidden."""
        skipped, between = divmod(start - blocks[0].first, length) if blocks else (0, 0)
        if skipped < 0 or between:
            return []
        found = blocks[skipped:]
        while found and (found[-1].stop > size or not self._is_ours(found[-1])):
            found.pop()
        return found

    def reach(self, size: int) -> int:
        """How many entries of a log of this size are in blocks."""
        blocks = self.upto(size)
        return blocks[-1].stop if blocks else 0

    def size(self) -> int:
        """Of the log."""
        return self._store.head().size

    def full(self) -> bool:
        """Whether there is enough for another block of the largest size."""
        size = self.size()
        return size - _end(self._ours(size)[0], 0) >= SIZES[0]

    def advance(self, least: int = 0) -> bool:
        """Make one block, of `least` entries or more, if there is enough for it and nobody else does.

        Says whether one was made. Killed anywhere, it is made the next time. Raises LogError.
        """
        with self._folder.writing() as writing:
            if writing is None:
                return False
            size, start = self.size(), 0
            for length, blocks in zip(SIZES, self._ours(size), strict=True):
                start = _end(blocks, start)
                if size - start >= length >= least:
                    self._add(writing, length, blocks, self._make(range(start, start + length)))
                    return True
            return False

    def _add(self, writing: Writing, length: int, blocks: list[Block], made: bytes) -> None:
        if length == SIZES[0]:
            writing.append(length, made, sum(block.length for block in blocks))
        else:
            writing.replace(length, b"".join([*map(bytes, blocks), made]))

    def differing(self, size: int) -> range | None:
        """The first block that is not what its entries make: one that hides some, or shows others in their place."""
        return next((b.entries for b in self.upto(size) if not same(bytes(b), self._make(b.entries))), None)

    def _make(self, entries: range) -> bytes:
        rows: list[Row] = self._store.columns(entries, DIMENSIONS)
        lines = [line for _, _, line in self._store.leaves(entries.start, entries.stop)]
        if len(rows) != len(entries) or len(lines) != len(entries):
            raise LogError(f"{self._store} lacks some of the entries {entries.start} to {entries.stop - 1}. Verify it.")
        return make(entries.start, rows, lines)

    def _is_ours(self, block: Block) -> bool:
        stop = block.stop
        if (stop, block.last) not in self._seen and self._store.nodes(0, stop - 1, stop) == [block.last]:
            self._seen.add((stop, block.last))
        return (stop, block.last) in self._seen


def _end(blocks: list[Block], start: int) -> int:
    return blocks[-1].stop if blocks else start
