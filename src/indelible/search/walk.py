"""The sequence numbers of what is wanted, in either direction, without more reading than what is asked for needs.

A store's index is cut into segments (ADR 14). They are asked in order: first the next one, then of those after it ever
more at once. So what is common is found at once, and what is rare costs few statements.
"""

from collections.abc import Iterator

from indelible.store.promise import Store, Wanted

SEGMENT = 4096  # entries; of another size than the store's own it is only slower
AT_ONCE = 256  # segments of one statement, at most


def walk(store: Store, wanted: Wanted, entries: range, limit: int, *, descending: bool) -> list[int]:
    """Up to `limit` of them, in that direction."""
    found: list[int] = []
    for stretch in _stretches(entries, descending=descending):
        if wanted.nothing or len(found) >= limit:
            break
        found += store.find(wanted, stretch, limit - len(found), descending=descending)
    return found


def count(store: Store, wanted: Wanted, size: int, limit: int) -> int:
    """How many there are in a log of this size, `limit` at most."""
    found = 0
    for stretch in _stretches(range(size), descending=True):
        if wanted.nothing or found >= limit:
            break
        found += store.count(wanted, stretch, limit - found)
    return found


def _stretches(entries: range, *, descending: bool) -> Iterator[range]:
    """What to ask for at once, cut at the bounds of segments, ever longer."""
    start, stop, width = entries.start, entries.stop, SEGMENT
    while start < stop:
        if descending:
            cut = max(start, _up(stop, SEGMENT) - width)
            yield range(cut, stop)
            stop = cut
        else:
            cut = min(stop, start - start % SEGMENT + width)
            yield range(start, cut)
            start = cut
        width = min(2 * width, AT_ONCE * SEGMENT)


def _up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
