"""Entries for a query: a page of the newest, or all of them in the log's order. Paging is by sequence number."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.counted import Counted
from indelible.search.hits import Hits
from indelible.search.query import Query
from indelible.search.wall import lacking, own

MAX_PAGE = 500
BATCH = 1000


@dataclass(frozen=True)
class Page:
    """Newest first. `older` and `newer` are what to pass as `before` and `after` to go on, None at an end."""

    entries: list[Entry]
    lines: Sequence[bytes]  # of these entries
    older: int | None
    newer: int | None
    counted: Counted
    size: int  # of the log that was searched

    @property
    def count(self) -> int:
        return self.counted.total

    @property
    def capped(self) -> bool:
        """There are more than `count`: to count them all would take too long."""
        return not self.counted.exact


def find(  # noqa: PLR0913 - a search is just these
    log: Log,
    query: Query,
    *,
    organization: str | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
    seconds: float = math.inf,
) -> Page:
    """The newest `limit` entries older than `before`, or the oldest ones newer than `after`.

    Raises SlowSearchError if they are not found within so many seconds.
    """
    limit = max(1, min(limit, MAX_PAGE))
    hits = Hits(log, query, organization, seconds=seconds)
    counted = hits.counted()  # first: what it reads need not be read again
    upward = before is None and after is not None
    start = max(0, after + 1) if after is not None and upward else 0
    stop = hits.size if before is None else min(before, hits.size)
    walk = hits.rising if upward else hits.falling
    found = list(islice(walk(range(start, stop)), limit + 1))
    shown = own(log, found[:limit], organization)[::-1]
    more, entries = len(found) > limit, [read(line) for line in shown]
    return Page(
        entries,
        shown,
        older=entries[-1].seq if entries and (more or upward) else None,
        newer=entries[0].seq if entries and (before is not None or (upward and more)) else None,
        counted=counted,
        size=hits.size,
    )


def lines(log: Log, query: Query, *, organization: str | None = None, end: int | None = None) -> Iterator[bytes]:
    """The lines of all entries found before `end` (default: the size now), in sequence order."""
    for _, some in batches(log, query, organization=organization, end=end):
        yield from some


def batches(
    log: Log, query: Query, *, organization: str | None = None, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Likewise from `start` on, some at a time, each time with the sequence number to go on from.

    Memory is that of one batch, whatever the number.
    """
    if query == Query() and organization is None:
        end = log.head().size if end is None else end
        for wanted, some in log.store.stretches(range(start, end)):
            if len(some) != len(wanted):
                raise lacking(log, wanted)
            yield wanted.stop, some
        return
    hits = Hits(log, query, organization, end=end)
    found = hits.rising(range(start, hits.size))
    while batch := list(islice(found, BATCH)):
        yield batch[-1] + 1, own(log, batch, organization)
    if log.store.head().size < hits.size:
        raise lacking(log, range(hits.size))


def count(log: Log, query: Query, *, organization: str | None = None, seconds: float = math.inf) -> int:
    """Of all entries found, however many. Raises SlowSearchError if they are not counted within so many seconds."""
    return Hits(log, query, organization, seconds=seconds).total()
