"""Proofs of the entries of one signed tree. What is known of the tree is asked, and tried, once for each tile of it."""

from functools import lru_cache

from indelible.errors import NotFoundError, VerificationError
from indelible.merkle.keyring import Keyring
from indelible.merkle.proof import inclusion, root_from_inclusion
from indelible.merkle.tile import HEIGHT, WIDTH, subtree
from indelible.merkle.tlog_proof import TlogProof
from indelible.merkle.tree import leaf_hash, node_hash
from indelible.store.promise import Store

TILES = 256  # kept, of 8 KB each: those around a stretch of neighbours are some ten
RUNS = 4096


class Prover:
    """Of one checkpoint: the newest, or the newest `upto` that size. Each proof is tried before it is given."""

    def __init__(self, store: Store, keys: Keyring, upto: int | None = None) -> None:
        """Raises MalformedError if what is kept as that checkpoint is not one of these keys'."""
        self._store = store
        self.size, self.note = store.newest_checkpoint(upto) or (0, "")
        self._root = keys.open(self.note).root if self.size else b""
        self._tile = lru_cache(TILES)(self._read)
        self._run = lru_cache(RUNS)(lambda start, stop: subtree(range(start, stop), self._nodes))
        self._full = lru_cache(TILES)(self._tried)

    def proof(self, seq: int, line: bytes) -> TlogProof:
        """That `line` is entry `seq`, with the line as its extra data.

        Raises NotFoundError for what is not signed, VerificationError where the log is not what was signed.
        """
        if not 0 <= seq < self.size:
            raise NotFoundError(f"Entry {seq} is not among the {self.size} that are signed.")
        tile, place = divmod(seq, WIDTH)
        if (tile + 1) * WIDTH <= self.size:
            full = self._full(tile)
            if full is None or full.leaves[place] != leaf_hash(line):
                raise self._refused(seq)
            hashes = full.path(place)
        else:  # the edge of the tree: a tile that is not full yet is not a part of it as a whole
            hashes = tuple(self._run(run.start, run.stop) for run in inclusion(seq, self.size))
            if root_from_inclusion(leaf_hash(line), seq, self.size, hashes) != self._root:
                raise self._refused(seq)
        return TlogProof(seq, hashes, self.note, line)

    def _tried(self, index: int) -> "_Full | None":
        """A tile whose leaves lead to the root that was signed; None if they do not."""
        leaves, seq = self._tile(0, index), index * WIDTH
        above = tuple(self._run(run.start, run.stop) for run in inclusion(seq, self.size)[HEIGHT:])
        full = _Full(leaves, above)
        return full if root_from_inclusion(leaves[0], seq, self.size, full.path(0)) == self._root else None

    def _nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """A run's hashes are of one tile: see `subtree`."""
        index = start // WIDTH
        return self._tile(level, index)[start - index * WIDTH : stop - index * WIDTH]

    def _read(self, level: int, index: int) -> list[bytes]:
        stop = min((index + 1) * WIDTH, self.size >> HEIGHT * level)
        return self._store.nodes(level, index * WIDTH, stop)

    def _refused(self, seq: int) -> VerificationError:
        return VerificationError("changed", f"entry {seq} is not in the tree of {self.size} that was signed.", seq)


class _Full:
    """The leaves of a full tile, the nodes between them and its root, and what leads from there to the tree's."""

    def __init__(self, leaves: list[bytes], above: tuple[bytes, ...]) -> None:
        self.leaves = leaves
        self._above = above
        self._rows = [leaves]
        for _ in range(HEIGHT - 1):
            row = self._rows[-1]
            self._rows.append([node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)])

    def path(self, place: int) -> tuple[bytes, ...]:
        """The sibling in each row, from the leaf upwards (RFC 6962 2.1.1 of a perfect tree), and what is above."""
        return (*(row[(place >> height) ^ 1] for height, row in enumerate(self._rows)), *self._above)
