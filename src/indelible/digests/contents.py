"""What is in a digest: how many entries, of which actions, by whom, and what one would want to look at."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.match import Match
from indelible.summary import who

MOST = 200_000  # entries that are counted; of more it says so
LISTED = 12


@dataclass(frozen=True)
class Contents:
    """Of the entries start <= seq < stop. `notable` newest first; `capped`: there were more than could be counted."""

    start: int
    stop: int
    total: int
    capped: bool
    actions: list[tuple[str, int]]
    actors: list[tuple[str, int]]
    notable: list[Entry]
    notable_total: int
    checkpoint: str


def collect(log: Log, match: Match, start: int, stop: int) -> Contents:
    """Raises LogError."""
    actions, actors, total, notable_total = Counter[str](), Counter[str](), 0, 0
    notable, read_ = deque[Entry](maxlen=LISTED), 0
    for entry in _entries(log, start, stop):
        read_ += 1
        if match(entry):
            total += 1
            actions[entry.action] += 1
            actors[who(entry)] += 1
            if is_notable(entry):
                notable_total += 1
                notable.append(entry)
    return Contents(
        start, stop, total, stop - start > read_, actions.most_common(LISTED), actors.most_common(LISTED),
        list(reversed(notable)), notable_total, log.checkpoint() or "",
    )  # fmt: skip


def is_notable(entry: Entry) -> bool:
    """What failed or was refused, what is gone, what nobody claimed, and what the log says of itself."""
    return (
        entry.outcome != "success"
        or entry.operation == "delete"
        or entry.actor.type in ("unknown", "database")
        or (entry.action.startswith("AUDIT_") and entry.operation != "watch")
    )


def _entries(log: Log, start: int, stop: int) -> Iterator[Entry]:
    """The newest of them, if there are too many."""
    start = max(start, stop - MOST)
    yield from (read(line) for _, _, line in log.leaves(start, stop))
