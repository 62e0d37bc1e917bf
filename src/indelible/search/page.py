"""Entries for a query: a page of the newest, or all of them in the log's order. Paging is by sequence number."""

from collections.abc import Iterator
from dataclasses import dataclass

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.plan import plan
from indelible.search.query import Query
from indelible.search.walk import count, walk

COUNT_CAP = 10_000  # counts beyond it are shown as "10,000+": exact ones would cost a walk of the log
MAX_PAGE = 500
BATCH = 1000


@dataclass(frozen=True)
class Page:
    """Newest first. `older` and `newer` are what to pass as `before` and `after` to go on, None at an end."""

    entries: list[Entry]
    older: int | None
    newer: int | None
    count: int
    capped: bool


def find(  # noqa: PLR0913 - a search is just these
    log: Log,
    query: Query,
    *,
    organization: str | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Page:
    """The newest `limit` entries older than `before`, or the oldest ones newer than `after`."""
    limit = max(1, min(limit, MAX_PAGE))
    wanted, size = plan(log.store, query, organization), log.head().size
    counted = count(log.store, wanted, size, COUNT_CAP + 1)
    upward = before is None and after is not None
    start = max(0, after + 1) if after is not None and upward else 0
    stop = size if before is None else min(before, size)
    found = walk(log.store, wanted, range(start, stop), limit + 1, descending=not upward)
    more, entries = len(found) > limit, [read(line) for line in reversed(log.store.lines(found[:limit]))]
    return Page(
        entries,
        older=entries[-1].seq if entries and (more or upward) else None,
        newer=entries[0].seq if entries and (before is not None or (upward and more)) else None,
        count=min(counted, COUNT_CAP),
        capped=counted > COUNT_CAP,
    )


def lines(log: Log, query: Query, *, organization: str | None = None, end: int | None = None) -> Iterator[bytes]:
    """The lines of all entries found before `end` (default: the size now), in sequence order.

    Memory is that of one batch, whatever the number.
    """
    wanted, start = plan(log.store, query, organization), 0
    stop = log.head().size if end is None else end
    while found := walk(log.store, wanted, range(start, stop), BATCH, descending=False):
        yield from log.store.lines(found)
        start = found[-1] + 1
