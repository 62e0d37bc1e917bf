"""What the entries found are, in sum: how many of which action, by whom, and when."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec

from indelible.event import Actor
from indelible.index.block import Block
from indelible.index.sets import places
from indelible.log import Log
from indelible.search.counted import Counted, Part
from indelible.store.promise import Dimension

FACETED = 1_000  # entries, the newest of those found: what is common is common among them
WIDE = 4  # bars of one block
SOON = 30  # entries, to look at each of which takes as long as to see which are before a bar
FEW = 64  # entries of a block, that are sooner asked for one by one
_actor = msgspec.json.Decoder(Actor).decode


class Facet(NamedTuple):
    """Of the entries looked at, how many have this name in a dictionary. `value` is what a query finds it by."""

    value: str
    label: str
    entries: int


class Facets(NamedTuple):
    """The most common names of each dictionary; among all that was found, or among the newest `among`."""

    names: dict[Dimension, list[Facet]]
    among: int


def facets(log: Log, counted: Counted, dimensions: Sequence[Dimension], limit: int = 8) -> Facets:
    """Of the newest FACETED entries of what was counted."""
    counters: dict[Dimension, Counter[int]] = {dimension: Counter() for dimension in dimensions}
    loose, among = list[int](), 0
    for part in counted.parts:
        left = FACETED - among
        if left <= 0:
            break
        among += min(part.size, left)
        if part.block is not None and part.size > FEW:
            for dimension, counts in part.block.counted(dimensions, part.found, left):
                counters[dimension].update(counts)
        else:
            loose += part.newest(left)
    _, *columns = zip(*log.store.columns(loose, dimensions), strict=True) if loose else [()]
    for dimension, column in zip(dimensions, columns, strict=False):
        counters[dimension].update(filter(None, column))
    common = {dimension: dict(counter.most_common(4 * limit)) for dimension, counter in counters.items()}
    names = log.store.named(common)
    return Facets({each: _facets(each, common[each], names[each])[:limit] for each in dimensions}, among)


def bars(counted: Counted, bounds: Sequence[int]) -> list[int]:
    """How many of the entries counted are within each bounds[i] <= time < bounds[i + 1] (microseconds, rising)."""
    found = [0] * (len(bounds) + 1)  # the first: before all bounds, the last: after them
    for part in counted.parts:
        if part.block is None:
            for time in part.entries.values():
                found[bisect_right(bounds, time)] += 1
            continue
        lowest, highest = part.block.span
        first, last = bisect_right(bounds, lowest), bisect_right(bounds, highest)
        if first == last:
            found[last] += part.size
            continue
        if last - first > WIDE and (part.size < SOON * (last - first) or not part.block.in_order):
            times = map(part.block.times.__getitem__, places(part.found))
            for bar, count in Counter(map(bisect_right, repeat(bounds), times)).items():
                found[bar] += count
            continue
        before = 0
        for bar in range(first, last):
            upto = _before(part, part.block, bounds[bar])
            found[bar] += upto - before
            before = upto
        found[last] += part.size - before
    return found[1:-1]


def _before(part: Part, block: Block, moment: int) -> int:
    """How many have an earlier time. Those before it are counted or those behind, whichever are less to look at."""
    earlier = block.before(moment)
    if 2 * earlier.bit_length() < block.size:
        return part.count(block, earlier)
    return part.size - part.count(block, block.every & ~earlier)


def _facets(dimension: Dimension, common: dict[int, int], names: dict[int, str]) -> list[Facet]:
    """Of one actor every way it has looked is counted together, under the last."""
    counts, labels = Counter[str](), dict[str, str]()
    for id_, count in sorted(common.items()):
        value, labels[value] = _told(dimension, names[id_])
        counts[value] += count
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Facet(value, labels[value], count) for value, count in found]


def _told(dimension: Dimension, name: str) -> tuple[str, str]:
    """(what a query finds it by, what people call it)."""
    if dimension != "actor":
        return name, name
    actor = _actor(name)
    value = actor.email or actor.id or actor.name or actor.type
    return value, actor.name or value
