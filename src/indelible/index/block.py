"""A block as it is read: which of its entries have this name, a text with these grams, or an earlier time."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import accumulate

import msgspec

from indelible.index import image
from indelible.index.grams import LONG, Range
from indelible.index.sets import extent, gather, newest, places, union
from indelible.store.folding import Texts
from indelible.store.promise import Dimension

FEW = 4  # entries that are sooner looked at than the sets of another gram
READ = 4  # sets that are read in the time in which one is counted
LOOKED_AT = 8  # entries that are looked at in the time in which the set of a name is read
SOONER = 64  # entries, to look at each of which takes as long as to see which of them have a name
ZONE = 128  # entries whose lowest and highest time are known
SOME = 64  # keys, of which it is kept where they are
MOMENTS = 4  # of which it is kept what is before them: ends of bars, which are those of most pages


class Table:
    """Sets under numbers."""

    def __init__(self, keys: memoryview, ends: memoryview, sets: memoryview, size: int) -> None:
        self.keys, self._ends = keys.cast("Q"), ends.cast("I")
        self._sets, self._size = sets, size
        self._counts: dict[int, int] = {}  # of sets that were counted
        self._last: tuple[frozenset[int], list[int]] = (frozenset(), [])

    def any(self, keys: Collection[int]) -> int:
        """Of at least one of these."""
        return self.union(self._places(keys))

    def count(self, keys: Collection[int]) -> int:
        """How many are in the sets of these, together; sets are counted once in the life of a process."""
        counts, total = self._counts, 0
        for at in self._places(keys):
            total += counts[at] if at in counts else self._count(at)
        return total

    def among(self, keys: Collection[int], within: int) -> int:
        """How many of `within` are in the sets of these. Of the sets no more is read than that."""
        start, stop = extent(within)
        found = union(self._packed(self._places(keys)), self._size, start, stop)
        return (found & within >> 8 * start).bit_count()

    def counts(self, among: int) -> dict[int, int]:
        """For each key, how many of `among` are in its set."""
        found = ((key, (self.union([at]) & among).bit_count()) for at, key in enumerate(self.keys))
        return {key: count for key, count in found if count}

    def between(self, start: int, stop: int) -> int:
        """Of any key with start <= key < stop."""
        found = self._range(start, stop)
        return self.union(found) if found else 0

    def has(self, start: int, stop: int) -> bool:
        """Any key with start <= key < stop."""
        end = bisect_left(self.keys, stop)
        return end > 0 and self.keys[end - 1] >= start

    def weight(self, start: int, stop: int) -> int:
        """Bytes of these sets: of 0 there is none."""
        found = self._range(start, stop)
        return self._end(found.stop) - self._end(found.start)

    def union(self, places: Iterable[int]) -> int:
        """Of the sets at these places."""
        return union(self._packed(places), self._size)

    def _places(self, keys: Collection[int]) -> list[int]:
        """A search asks for the same ones again: to count, to list and to draw."""
        asked, found = self._last
        if asked is not keys:
            found = self._found(keys)
            if isinstance(keys, frozenset) and len(keys) <= SOME:  # nobody adds to it
                self._last = (keys, found)
        return found

    def _found(self, keys: Collection[int]) -> list[int]:
        there = self.keys
        if len(keys) > len(there) // 8:
            return [at for at, key in enumerate(there) if key in keys]
        found = [(bisect_left(there, key), key) for key in keys]
        return [at for at, key in found if at < len(there) and there[at] == key]

    def _packed(self, places: Iterable[int]) -> list[memoryview]:
        ends, sets = self._ends, self._sets
        return [sets[ends[at - 1] if at else 0 : ends[at]] for at in places]

    def _count(self, at: int) -> int:
        found = self._counts[at] = self.union([at]).bit_count()
        return found

    def _range(self, start: int, stop: int) -> range:
        """Where they are. The highest number alone, if there is one: it stands for all of them."""
        end = bisect_left(self.keys, stop)
        if end and self.keys[end - 1] == stop - 1:
            return range(end - 1, end)
        return range(bisect_left(self.keys, start, 0, end) if start + 1 < stop else end, end)

    def _end(self, at: int) -> int:
        return self._ends[at - 1] if at else 0


class Block:
    """Entries first <= seq < first + size; all of them, in sets, are `every`."""

    def __init__(self, data: memoryview, first: int, size: int) -> None:
        self._data = data
        self.first, self.size, self.stop, self.length = first, size, first + size, len(data)
        self.last = bytes(self._section("last"))
        self._head = hash(self._header())
        self.every = _every(size)
        self._tables: dict[str, Table] = {}
        self._common: dict[str, Texts] = {}
        self._long: dict[str, int] = {}
        self._before: dict[int, int] = {}

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def _section(self, name: str) -> memoryview:
        return image.section(self._data, name)

    @property
    def unchanged(self) -> bool:
        """As far as its header tells, and its last entry."""
        return self._head == hash(self._header())

    def _header(self) -> bytes:
        return bytes(self._data[: image.START]) + bytes(self._section("last"))

    @property
    def entries(self) -> range:
        return range(self.first, self.stop)

    def count(self, among: int) -> int:
        """Of all entries it is known."""
        return self.size if among is self.every else among.bit_count()

    def among(self, dimension: Dimension, ids: Collection[int], within: int) -> int:
        """Those of `within` whose name in this dictionary is one of these."""
        table = self._table(dimension)
        weight = self.weight(dimension, ids)
        if weight > READ and self.count(within) < LOOKED_AT * weight:
            keys, codes = table.keys, self._codes(dimension)
            found = [place for place in places(within) if codes[place] and keys[codes[place] - 1] in ids]
            return gather(found, self.size)
        return table.any(ids) & within

    def amount(self, dimension: Dimension, ids: Collection[int], within: int | None = None) -> int:
        """How many have one of these names, of all or of `within`: an entry has one name in a dictionary."""
        table = self._tables.get(dimension) or self._table(dimension)
        return table.count(ids) if within is None else table.among(ids, within)

    def has(self, kind: str, gram: Range) -> bool:
        """Whether any has a text of this kind with this gram, but for those that are too long to be cut."""
        return (self._tables.get(kind) or self._table(kind)).has(*gram)

    def having(self, kind: str, grams: Sequence[Range], within: int) -> int:
        """Those of `within` that may have a text of this kind (one of `texts.TEXTS`) with all of these grams."""
        table = self._table(kind)
        for start, stop in grams:
            within &= table.between(start, stop)
            if within.bit_count() <= FEW:
                break
        return within

    def long(self, kind: str) -> int:
        """Those with a text of this kind that is too long to be cut: it may have any word in it."""
        found = self._long.get(kind)
        if found is None:
            found = self._long[kind] = self._table(kind).any([LONG])
        return found

    def rarest(self, kind: str, grams: Iterable[Range]) -> list[Range]:
        """The rarest of them first; here, and so likely in other blocks."""
        table = self._table(kind)
        return sorted(grams, key=lambda each: table.weight(*each))

    def commonly(self, kind: str, word: str, fits: Callable[[str], bool]) -> int:
        """Those with a text that is common here, has this word in it and fits, surely."""
        found = self._common.get(kind)
        if found is None:
            found = self._common[kind] = Texts(msgspec.json.decode(self._section(f"common {kind}.texts")))
        return self._table(f"common {kind}").union(found.having(word, fits)) if word in found else 0

    def weight(self, dimension: Dimension, ids: Collection[int]) -> int:
        """What `among` costs at most, in sets that are looked at."""
        return min(len(ids), len(self._table(dimension).keys))

    def within(self, since: int | None, until: int | None) -> int:
        """Those with since <= time < until (microseconds)."""
        found = self.every if until is None else self.before(until)
        return found if since is None else found & ~self.before(since)

    def before(self, moment: int) -> int:
        """Those with an earlier time; of some moments that were asked about last it is known."""
        found = self._before.get(moment)
        if found is None:
            if len(self._before) >= MOMENTS:
                self._before.clear()
            found = self._before[moment] = self._looked_up(moment)
        return found

    def _looked_up(self, moment: int) -> int:
        """Where they are almost in order one zone is looked into, or two."""
        so_far, to_come = self._zones
        start, stop = bisect_left(so_far, moment), bisect_left(to_come, moment)
        found = (1 << start * ZONE) - 1
        times = self.times
        for first in range(start * ZONE, stop * ZONE, ZONE):
            found |= _earlier(times[first : first + ZONE].tolist(), moment) << first
        return found & self.every

    @cached_property
    def times(self) -> memoryview:
        """Of its entries, in microseconds."""
        return self._section("times").cast("q")

    @cached_property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest time."""
        so_far, to_come = self._zones
        return to_come[0], so_far[-1]

    @cached_property
    def in_order(self) -> bool:
        """Almost: what is in a zone is not later than what is in the one after the next."""
        so_far, to_come = self._zones
        return all(highest <= lowest for highest, lowest in zip(so_far, to_come[2:], strict=False))

    def counted(
        self, dimensions: Sequence[Dimension], among: int, limit: int
    ) -> Iterator[tuple[Dimension, Mapping[int, int] | list[int]]]:
        """For each dictionary the numbers of the names that the newest of these entries have: each, or how often."""
        among = newest(among, limit)
        chosen = places(among)
        for dimension in dimensions:
            table = self._table(dimension)
            if len(table.keys) * SOONER < len(chosen):
                yield dimension, table.counts(among)
            else:
                keys, codes = table.keys, map(self._codes(dimension).__getitem__, chosen)
                yield dimension, [keys[code - 1] for code in codes if code]

    def _codes(self, dimension: Dimension) -> memoryview:
        return self._section(f"{dimension}.codes").cast("H")

    @cached_property
    def _zones(self) -> tuple[list[int], list[int]]:
        """For each zone the highest time in it and before it, and the lowest in it and behind it; both rise."""
        lowest, highest = (self._section(name).cast("q") for name in ("lowest", "highest"))
        return list(accumulate(highest, max)), list(accumulate(reversed(lowest), min))[::-1]

    def _table(self, name: str) -> Table:
        found = self._tables.get(name)
        if found is None:
            keys, ends, sets = (self._section(f"{name}.{part}") for part in ("keys", "ends", "sets"))
            found = self._tables[name] = Table(keys, ends, sets, self.size)
        return found


def _earlier(times: list[int], moment: int) -> int:
    """Which of a zone; mostly they are in order."""
    if times == sorted(times):
        return (1 << bisect_left(times, moment)) - 1
    return sum((time < moment) << at for at, time in enumerate(times))


@cache
def _every(size: int) -> int:
    """Of all blocks of a size the same one: it has 4 KB."""
    return (1 << size) - 1


def block_of(data: memoryview) -> Block | None:
    """None if these are not the bytes of a block, and of nothing else."""
    found = image.read(data)
    return None if found is None else Block(data, *found)
