"""What searches found in blocks, for those who ask the same again: the next page, the lists of names, what is new.

A block is never written into again, so what was found in it stays true.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import NamedTuple

from indelible.index.block import Block

MOST = 1024  # blocks of all searches together: 8 MB


class Found(NamedTuple):
    """Which entries of a block fit, and what it took to know: sets that were looked at, entries that were read."""

    entries: int
    cost: int
    read: int


class Kept:
    """Of the searches that were made last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._searches: OrderedDict[Hashable, dict[Block, Found]] = OrderedDict()

    def of(self, search: Hashable) -> dict[Block, Found]:
        """To read, and to write into. `search` tells all that the finding depends on."""
        with self._lock:
            found = self._searches.setdefault(search, {})
            self._searches.move_to_end(search)
            while len(self._searches) > 1 and sum(map(len, self._searches.values())) > MOST:
                self._searches.popitem(last=False)
            return found
