"""What searches found in blocks, for those who ask the same again: the next page, the lists of names, what is new.

A block is never written into again, so what was found in it stays true. One that nobody else has any more is forgotten.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

from indelible.index.block import Block
from indelible.index.grams import Range

MOST = 1024  # searches, and blocks of each: 8 MB
Grams = dict[tuple[str, str], list[Range]]  # of each kind of text and word those that are rare
Known = WeakKeyDictionary[Block, "Sifted"]


class Sifted(NamedTuple):
    """Of a block's entries those that fit surely, and those that may, `sure` among them.

    And what it took to know: sets that were looked at, entries that were read.
    """

    sure: int
    maybe: int
    cost: int
    read: int = 0


class Search:
    """Of one search: what is known of blocks, and which grams of each of its words are rare."""

    def __init__(self) -> None:
        self.blocks = Known()
        self.grams: Grams = {}


class Kept:
    """The searches that were made last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._searches: OrderedDict[Hashable, Search] = OrderedDict()

    def __len__(self) -> int:
        return len(self._searches) + sum(len(search.blocks) for search in self._searches.values())

    def of(self, asked: Hashable) -> Search:
        """To read, and to write into. `asked` tells all that the finding depends on."""
        with self._lock:
            search = self._searches.setdefault(asked, Search())
            self._searches.move_to_end(asked)
            while len(self) > MOST and len(self._searches) > 1:
                self._searches.popitem(last=False)
            return search
