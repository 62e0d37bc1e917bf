"""The blocks of a log, as far as they are its own."""

from indelible.errors import LogError
from indelible.index.block import Block
from indelible.index.folder import LARGE, SMALL, Folder
from indelible.index.image import DIMENSIONS
from indelible.index.making import Row, make
from indelible.store.promise import Store


class Blocks:
    """Reads them, and makes those that are missing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = Folder(store.index_path)
        self._seen: set[tuple[int, bytes]] = set()  # to be of this log
        self._size = 0  # of the log when it was asked last

    def __str__(self) -> str:
        return str(self._folder.path)

    def upto(self, size: int) -> list[Block]:
        """Those of a log of this size, from entry 0 on, without a gap; what is behind them is to be read.

        A log that was put back to an older copy, and grew in another way, has other leaves: a block of what it was
        is none of it.
        """
        large, recent = self._ours(size)
        return large + recent

    def _ours(self, size: int) -> tuple[list[Block], list[Block]]:
        if size < self._size:  # an older log may have been put in its place
            self._seen.clear()
        self._size = size
        large, recent = self._folder.blocks()
        if any(block.size != LARGE or block.first != number * LARGE for number, block in enumerate(large)):
            large = []  # what is not there would be hidden
        for blocks in large, recent:
            while blocks and (blocks[-1].entries.stop > size or not self._is_ours(blocks[-1])):
                blocks.pop()
        self._seen &= {(block.entries.stop, block.last) for block in large + recent}  # of others no more is asked
        start = large[-1].entries.stop if large else 0
        recent = [block for block in recent if block.first >= start and block.size == SMALL]
        return large, recent if recent and recent[0].first == start else []

    def reach(self, size: int) -> int:
        """How many entries of a log of this size are in blocks."""
        blocks = self.upto(size)
        return blocks[-1].entries.stop if blocks else 0

    def size(self) -> int:
        """Of the log."""
        return self._store.head().size

    def full(self) -> bool:
        """Whether there is enough for another large block."""
        size = self.size()
        return size - len(self._ours(size)[0]) * LARGE >= LARGE

    def advance(self) -> bool:
        """Make one block, if there is enough for it and nobody else does; says whether one was made.

        Killed anywhere, it is made the next time. Raises LogError.
        """
        with self._folder.writing() as writing:
            if writing is None:
                return False
            size = self.size()
            large, recent = self._ours(size)
            start, end = len(large) * LARGE, sum(block.length for block in large)
            if size - start >= LARGE:
                writing.append(self._make(range(start, start + LARGE)), end)
                return True
            start += len(recent) * SMALL
            if size - start < SMALL:
                return False
            writing.replace(b"".join([*map(bytes, recent), self._make(range(start, start + SMALL))]))
            return True

    def differing(self, size: int) -> range | None:
        """The first block that is not what its entries make: one that hides some, or shows others in their place."""
        return next((b.entries for b in self.upto(size) if bytes(b) != self._make(b.entries)), None)

    def _make(self, entries: range) -> bytes:
        rows: list[Row] = self._store.columns(entries, DIMENSIONS)
        lines = [line for _, _, line in self._store.leaves(entries.start, entries.stop)]
        if len(rows) != len(entries) or len(lines) != len(entries):
            raise LogError(f"{self._store} lacks some of the entries {entries.start} to {entries.stop - 1}. Verify it.")
        return make(entries.start, rows, lines)

    def _is_ours(self, block: Block) -> bool:
        stop = block.entries.stop
        if (stop, block.last) not in self._seen and self._store.nodes(0, stop - 1, stop) == [block.last]:
            self._seen.add((stop, block.last))
        return (stop, block.last) in self._seen
