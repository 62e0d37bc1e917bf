"""Proofs of the entries of one signed tree. What is known of the tree is asked once, however many are proved."""

from functools import lru_cache

from indelible.errors import NotFoundError, VerificationError
from indelible.merkle.keyring import Keyring
from indelible.merkle.proof import inclusion, root_from_inclusion
from indelible.merkle.tile import HEIGHT, WIDTH, subtree
from indelible.merkle.tlog_proof import TlogProof
from indelible.merkle.tree import leaf_hash
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

    def proof(self, seq: int, line: bytes) -> TlogProof:
        """That `line` is entry `seq`, with the line as its extra data.

        Raises NotFoundError for what is not signed, VerificationError where the log is not what was signed.
        """
        if not 0 <= seq < self.size:
            raise NotFoundError(f"Entry {seq} is not among the {self.size} that are signed.")
        hashes = tuple(self._run(run.start, run.stop) for run in inclusion(seq, self.size))
        if root_from_inclusion(leaf_hash(line), seq, self.size, hashes) != self._root:
            raise VerificationError("changed", f"entry {seq} is not in the tree of {self.size} that was signed.", seq)
        return TlogProof(seq, hashes, self.note, line)

    def _nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """A run's hashes are of one tile: see `subtree`."""
        index = start // WIDTH
        return self._tile(level, index)[start - index * WIDTH : stop - index * WIDTH]

    def _read(self, level: int, index: int) -> list[bytes]:
        stop = min((index + 1) * WIDTH, self.size >> HEIGHT * level)
        return self._store.nodes(level, index * WIDTH, stop)
