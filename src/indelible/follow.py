"""Following the log: what is signed, stretch by stretch.

Nothing is announced before it is signed. Whoever follows keeps a sequence number and nothing else: entries are dense,
so that says all of what was heard.
"""

from typing import NamedTuple

from indelible.event import Entry, read
from indelible.log import Log

STRETCH = 256  # entries read at once
LOOK = 0.1  # seconds between two looks for what other processes have signed; our own is told of at once


class Leaf(NamedTuple):
    """An entry and its bytes."""

    entry: Entry
    line: bytes


def leaves(log: Log, start: int, most: int = STRETCH) -> list[Leaf]:
    """What is signed from `start` on, `most` of it. Raises LogError."""
    stop = min(log.signed_size(), start + most)
    return [Leaf(read(line), line) for _, _, line in log.leaves(start, stop)] if start < stop else []
