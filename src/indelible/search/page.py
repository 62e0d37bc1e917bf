"""Entries for a query: a page of the newest, or all of them in the log's order. Paging is by sequence number."""

from collections.abc import Iterator
from dataclasses import dataclass

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.plan import Plan, plan
from indelible.search.query import Query

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
    made = plan(query, organization)
    count = _count(log, made)
    upward = before is None and after is not None
    if before is not None:
        made.add("e.seq < ?", before)
    elif after is not None:
        made.add("e.seq > ?", after)
    rows = log.select(_select(made, "ASC" if upward else "DESC", limit + 1), made.values)
    more, entries = len(rows) > limit, [read(line) for _, line in rows[:limit]]
    if upward:
        entries.reverse()
    return Page(
        entries,
        older=entries[-1].seq if entries and (more or upward) else None,
        newer=entries[0].seq if entries and (before is not None or (upward and more)) else None,
        count=min(count, COUNT_CAP),
        capped=count > COUNT_CAP,
    )


def lines(log: Log, query: Query, *, organization: str | None = None, end: int | None = None) -> Iterator[bytes]:
    """The lines of all entries found before `end` (default: the size now), in sequence order.

    Memory is that of one batch, whatever the number.
    """
    made = plan(query, organization)
    made.add("e.seq < ?", log.head().size if end is None else end)
    made.add("e.seq > ?", -1)
    while rows := log.select(_select(made, "ASC", BATCH), made.values):
        yield from (line for _, line in rows)
        made.values[-1] = rows[-1][0]


def _select(made: Plan, order: str, limit: int) -> str:
    entries = f"SELECT e.seq FROM entry e WHERE {made.where} ORDER BY e.seq {order} LIMIT {limit}"
    return f"SELECT l.seq, l.line FROM ({entries}) found JOIN leaf l ON l.seq = found.seq ORDER BY l.seq {order}"


def _count(log: Log, made: Plan) -> int:
    capped = f"SELECT count(*) FROM (SELECT 1 FROM entry e WHERE {made.where} LIMIT {COUNT_CAP + 1})"
    ((count,),) = log.select(capped, made.values)
    return int(count)
