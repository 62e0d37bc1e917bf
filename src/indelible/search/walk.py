"""The sequence numbers of what a plan finds, in either direction, without more reading than what is asked for needs.

The index is cut into segments (`store/sql/schema.sql`). They are asked in order: first the next one, then of those
after it ever more at once. So what is common is found at once, and what is rare costs few statements.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from indelible.log import Log
from indelible.search.plan import Plan

SEGMENT_BITS = 12  # as the schema has it
AT_ONCE = 256  # segments of one statement, at most


def walk(log: Log, plan: Plan, entries: range, limit: int, *, descending: bool) -> Iterator[int]:
    """Up to `limit` of them."""
    order = "DESC" if descending else "ASC"
    for stretch in _stretches(entries, descending=descending):
        if plan.nothing or limit <= 0:
            return
        where, values = within(plan, stretch)
        sql = f"SELECT e.seq FROM entry e WHERE {where} ORDER BY e.seq {order} LIMIT ?"
        rows = log.select(sql, [*values, limit])
        limit -= len(rows)
        yield from (seq for (seq,) in rows)


def count(log: Log, plan: Plan, stop: int, limit: int) -> int:
    """How many there are below `stop`, `limit` at most."""
    found = 0
    for stretch in _stretches(range(stop), descending=True):
        if plan.nothing or found >= limit:
            break
        where, values = within(plan, stretch)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM entry e WHERE {where} LIMIT ?)"
        ((more,),) = log.select(sql, [*values, limit - found])
        found += more
    return found


def within(plan: Plan, stretch: range) -> tuple[str, list[Any]]:
    """The conditions of a plan on a stretch of the log, and the values they bind."""
    conditions, values = ["e.seq >= ?", "e.seq < ?"], [stretch.start, stretch.stop]
    if plan.indexed:
        segments = range(stretch.start >> SEGMENT_BITS, ((stretch.stop - 1) >> SEGMENT_BITS) + 1)
        conditions.append(f"e.seq >> {SEGMENT_BITS} IN (SELECT value FROM json_each(?))")
        plan_values = [msgspec.json.encode(list(segments)).decode(), *plan.values]
    else:
        plan_values = plan.values
    return " AND ".join([*conditions, *plan.conditions]), [*values, *plan_values]


def _stretches(entries: range, *, descending: bool) -> Iterator[range]:
    """What to ask for at once, cut at the bounds of segments, ever longer."""
    start, stop, width = entries.start, entries.stop, 1
    while start < stop:
        if descending:
            first = max(start, (((stop - 1) >> SEGMENT_BITS) + 1 - width) << SEGMENT_BITS)
            yield range(first, stop)
            stop = first
        else:
            last = min(stop, ((start >> SEGMENT_BITS) + width) << SEGMENT_BITS)
            yield range(start, last)
            start = last
        width = min(2 * width, AT_ONCE)
