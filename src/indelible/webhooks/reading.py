"""The log as lanes read it: a stretch at a time, once for all lanes, with what proves it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from indelible.follow import STRETCH, Leaf, leaves
from indelible.log import Log
from indelible.prover import Prover
from indelible.webhooks import payload

KEPT = 16  # stretches


class Stretch:
    """Entries `start` <= seq < `stop`, under one checkpoint; their bodies are made once, whoever gets them."""

    def __init__(self, start: int, found: Sequence[Leaf], prover: Prover, pages: str) -> None:
        self.start = start
        self.stop = start + len(found)
        self.tree = prover.size
        self._leaves = found
        self._prover = prover
        self._pages = pages
        self._bodies: dict[int, bytes] = {}

    def __getitem__(self, seq: int) -> Leaf:
        return self._leaves[seq - self.start]

    def body(self, seq: int) -> bytes:
        """Raises VerificationError where the log is not what was signed."""
        if seq not in self._bodies:
            leaf = self[seq]
            self._bodies[seq] = payload.body(leaf.entry, leaf.line, self._prover, self._pages)
        return self._bodies[seq]


class Reading:
    """`pages`: where the audit pages are, for links."""

    def __init__(self, log: Log, pages: str) -> None:
        self._log = log
        self._pages = pages
        self._size = -1
        self._kept: OrderedDict[tuple[int, int], asyncio.Future[Stretch]] = OrderedDict()

    async def grown(self) -> bool:
        """Whether more is signed than at the last look."""
        size = await asyncio.to_thread(self._log.signed_size)
        size, self._size = self._size, size
        return size != self._size

    async def stretch(self, start: int) -> Stretch | None:
        """What is signed from there on; None if nothing is. Lanes that ask for the same wait for one reading."""
        stop = min(self._size, (start // STRETCH + 1) * STRETCH)
        if start >= stop:
            return None
        key = (start, stop)
        if key not in self._kept:
            self._kept[key] = asyncio.ensure_future(asyncio.to_thread(self.read, start, stop))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        try:
            return await asyncio.shield(self._kept[key])
        except BaseException:
            self._kept.pop(key, None)  # what failed is read again
            raise

    async def one(self, seq: int) -> Stretch:
        """An entry alone, under the newest checkpoint."""
        return await asyncio.to_thread(self.read, seq, seq + 1)

    def read(self, start: int, stop: int) -> Stretch:
        """Raises LogError, MalformedError."""
        return Stretch(start, leaves(self._log, start, stop - start), self._log.prover(), self._pages)
