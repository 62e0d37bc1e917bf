"""The entries that are meant, in either direction, with no more reading than what is asked for needs.

Blocks tell most of it (see `sieve`). What is behind them is asked of the store, in stretches that are ever longer; what
neither can tell is read.
"""

import math
import time
from collections.abc import Iterator, Sequence
from functools import cached_property

from indelible.errors import SlowSearchError
from indelible.event import read
from indelible.index.block import Block
from indelible.index.kept import Sifted
from indelible.log import Log
from indelible.search.counted import Counted, Part, Teller, numbers
from indelible.search.plan import plan
from indelible.search.query import Query
from indelible.search.sieve import Sieve
from indelible.search.wall import lacking

ZONE = 1024  # entries of a block that are looked through at once
STRETCH = 4096  # entries behind the blocks, likewise
LONGEST = 64  # times as many
COUNTED = 10_000  # entries behind the blocks that are counted one by one
COUNT_SECONDS = 1.0
AT_ONCE = 1000  # entries that are read
REMEMBERED = 50_000  # entries of which it is known whether they fit
READS = 250  # entries that are read to count them
COST = 5000  # sets that are looked at to count


class Hits:
    """Of one query to a log as it is now. `seconds`: after them SlowSearchError; what is counted by then is counted."""

    def __init__(
        self, log: Log, query: Query, organization: str | None, *, end: int | None = None, seconds: float = math.inf
    ) -> None:
        self._log, self._store = log, log.store
        self.size = log.head().size if end is None else end  # first: of what comes after the dictionaries know more
        log.spellings.upto(self.size)
        self._plan = plan(log, query, organization)
        self._blocks = log.blocks.upto(self.size)
        self.indexed = self._blocks[-1].stop if self._blocks else 0
        # Of names organizations alone learn others: one may be found by a word that it was not found by before.
        theirs = [look.ids("organization") for look in self._plan.looks]
        self._search = log.blocks.kept.of((query.terms, organization, *theirs))
        self._sieve = Sieve(self._plan, self._search.grams)
        self._sifted: dict[int, Sifted] = {}
        self._unsure_of: dict[int, list[int]] = {}
        self._read: dict[int, bool] = {}  # whether they fit
        self._newest: dict[range, dict[int, int]] = {}  # behind the blocks, as far as they were counted
        self._seconds, self._until = seconds, time.monotonic() + seconds

    def falling(self, entries: range) -> Iterator[int]:
        """Newest first."""
        yield from self._behind(range(max(entries.start, self.indexed), entries.stop), descending=True)
        for block in reversed(self._blocks):
            if self._may_have(block, entries):
                yield from self._in(block, entries, descending=True)

    def rising(self, entries: range) -> Iterator[int]:
        """Oldest first."""
        for block in self._blocks:
            if self._may_have(block, entries):
                yield from self._in(block, entries, descending=False)
        yield from self._behind(range(max(entries.start, self.indexed), entries.stop), descending=False)

    def counted(self) -> Counted:
        """Newest first, as far as it is cheap."""
        enough = min(self._until, time.monotonic() + COUNT_SECONDS)
        parts, found = [], 0
        for stretch in _stretches(range(self.indexed, self.size), descending=True):
            entries = self._newest[stretch] = self._found(stretch, descending=True)
            parts.append(Part(len(entries), entries))
            found += len(entries)
            late = time.monotonic() > enough and stretch.start > 0
            if late or (found > COUNTED and stretch.start > self.indexed):
                return Counted(parts, exact=False, start=stretch.start)
        unread, start = self._unread(enough)
        self._fitting(unread)
        return Counted([*parts, *self._known(start)], exact=start == 0, start=start)

    def total(self) -> int:
        """All of them, counted one by one where that is the only way."""
        found = sum(1 for _ in self._behind(range(self.indexed, self.size), descending=False))
        return found + sum(map(self._total, self._blocks))

    def _total(self, block: Block) -> int:
        amount = self._amounts[block.first]
        if amount is None:
            self._check_time()
            self._fitting(self._unsure(block))
            amount = self._fit(block, 0).bit_count()
            self._unsure_of.clear()  # all of a log may be counted
        return amount

    def _unread(self, enough: float) -> tuple[list[int], int]:
        """What is to be read to know of all entries from some place on whether they fit, and that place."""
        unread, cost, left = list[int](), COST, READS
        for block in reversed(self._blocks) if None in self._amounts.values() else ():
            if self._amounts[block.first] is not None:
                continue
            sifted = self._sift(block)
            cost -= sifted.cost
            if cost < 0 or time.monotonic() > enough:
                return unread, block.stop
            if sifted.sure == sifted.maybe:
                left = max(0, left - sifted.read)
                continue
            more = self._unsure(block)[::-1]
            unread += more[:left]
            if more[left:]:
                return unread, more[left] + 1
            left = max(0, left - len(more) - sifted.read)  # so that it ends there again
        return unread, 0

    def _known(self, start: int) -> Iterator[Part]:
        """What fits, of the entries of blocks from there on."""
        teller = Teller(lambda block: self._fit(block, block.first), self._sieve.count)
        for block in reversed(self._blocks):
            if block.stop <= start:
                return
            amount = self._amounts[block.first] if start <= block.first else None
            if amount is None:
                found = self._fit(block, start)
                if found:
                    yield Part(found.bit_count(), block=block, told=found)
            elif amount:
                yield Part(amount, block=block, told=teller)

    def _fit(self, block: Block, start: int) -> int:
        """Those of a block from that place on, once those that are not sure were read."""
        found, maybe, cost, _ = self._sift(block)
        unsure = self._unsure(block) if maybe != found else ()
        for seq in unsure:
            found |= self._read.get(seq, False) << seq - block.first
        if start > block.first:
            return found & -1 << start - block.first
        if self._sieve.whole(block):
            self._search.blocks.setdefault(block, Sifted(found, found, cost, len(unsure)))
        return found

    def _unsure(self, block: Block) -> list[int]:
        """Those of which only reading tells, rising."""
        found = self._unsure_of.get(block.first)
        if found is None:
            sure, maybe, *_ = self._sift(block)
            found = self._unsure_of[block.first] = numbers(block, maybe & ~sure) if maybe != sure else []
        return found

    def _may_have(self, block: Block, entries: range) -> bool:
        """As far as it was asked already: most blocks have nothing rare."""
        if self._amounts[block.first] == 0 or block.first >= entries.stop or block.stop <= entries.start:
            return False
        sifted = self._sifted.get(block.first)
        return sifted is None or sifted.maybe != 0

    def _in(self, block: Block, entries: range, *, descending: bool) -> Iterator[int]:
        self._check_time()
        sure, maybe, *_ = self._sift(block)
        if not maybe:
            return
        start, stop = max(0, entries.start - block.first), min(block.size, entries.stop - block.first)
        if stop - start < block.size:
            maybe &= (1 << stop) - (1 << start)
        width = ZONE if maybe.bit_count() > ZONE // 4 else block.size
        zones = range(0, block.size, width)
        for zone in reversed(zones) if descending else zones:
            if likely := maybe >> zone & (1 << width) - 1 if width < block.size else maybe:
                found = sure >> zone & likely
                for seq in self._fitting(numbers(block, likely & ~found, zone)):
                    found |= 1 << seq - block.first - zone
                seqs = numbers(block, found, zone)
                yield from reversed(seqs) if descending else seqs

    def _behind(self, entries: range, *, descending: bool) -> Iterator[int]:
        for stretch in _stretches(entries, descending=descending):
            self._check_time()
            yield from self._found(stretch, descending=descending)

    def _found(self, stretch: range, *, descending: bool) -> dict[int, int]:
        """Those of a stretch that fit, and their times."""
        wanted = self._plan.wanted
        if wanted.nothing:
            return {}
        if descending and stretch in self._newest:
            return self._newest[stretch]
        found = self._store.find(wanted, stretch, len(stretch), descending=descending)
        if not self._plan.reads:
            return found
        seqs = list(found)
        stretches = (seqs[at : at + AT_ONCE] for at in range(0, len(seqs), AT_ONCE))
        return {seq: found[seq] for some in stretches for seq in self._fitting(some)}

    def _fitting(self, seqs: Sequence[int]) -> list[int]:
        """Those that fit, by what is written in them."""
        unread = sorted(seq for seq in seqs if seq not in self._read)
        if len(self._read) > REMEMBERED:  # of an export that reads all of the log
            self._read, unread = {}, sorted(seqs)
        lines = self._store.lines(unread) if unread else []
        if len(lines) != len(unread):
            raise lacking(self._log, unread)
        self._read |= zip(unread, map(self._fits, lines), strict=True)
        return [seq for seq in seqs if self._read[seq]]

    def _fits(self, line: bytes) -> bool:
        """What lacks a word is not read: that is most of what there is."""
        if line.isascii():
            small = line.lower()
            if not all(needle in small for needle in self._plan.needles):
                return False
        return self._plan.match(read(line))

    @cached_property
    def _amounts(self) -> dict[int, int | None]:
        """By the first entry of each block; None where which ones fit is to be known first."""
        return dict(zip((block.first for block in self._blocks), self._sieve.amounts(self._blocks), strict=True))

    def _sift(self, block: Block) -> Sifted:
        found = self._sifted.get(block.first)
        if found is None:
            kept = self._search.blocks.get(block) if self._sieve.whole(block) else None
            found = self._sifted[block.first] = kept or self._sieve.sift(block)
        return found

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise SlowSearchError(self._seconds)


def _stretches(entries: range, *, descending: bool) -> Iterator[range]:
    """What to ask for at once, cut at round numbers, ever longer."""
    start, stop, width = entries.start, entries.stop, STRETCH
    while start < stop:
        if descending:
            cut = max(start, -(-stop // STRETCH) * STRETCH - width)
            yield range(cut, stop)
            stop = cut
        else:
            cut = min(stop, start - start % STRETCH + width)
            yield range(start, cut)
            start = cut
        width = min(2 * width, LONGEST * STRETCH)
