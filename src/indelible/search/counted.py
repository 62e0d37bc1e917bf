"""What was counted of the entries that are meant, and where they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from indelible.index.block import Block
from indelible.index.sets import places
from indelible.store.promise import Store


@dataclass(frozen=True)
class Part:
    """Entries from behind the blocks, newest first; or of a block: which these are is told when asked."""

    size: int
    entries: Sequence[int] = ()
    block: Block | None = None
    tell: Callable[[], int] = lambda: 0  # in a set
    count: Callable[[int], int] = lambda _: 0  # how many of a set

    @cached_property
    def found(self) -> int:
        """Those of the block, in a set."""
        return self.tell()

    def span(self, store: Store) -> tuple[int, int] | None:
        """Between which times they are, about: those of their block."""
        if self.block is not None:
            return self.block.span
        times = [time for (time,) in store.columns(self.entries, ())]
        return (min(times), max(times)) if times else None

    def newest(self, limit: int) -> list[int]:
        return numbers(self.block, self.found)[-limit:] if self.block else list(self.entries[:limit])


@dataclass(frozen=True)
class Counted:
    """What was counted, newest first. `exact`: it is all there is; else all from `start` on, and more before."""

    parts: list[Part]
    exact: bool
    start: int

    @cached_property
    def total(self) -> int:
        return sum(part.size for part in self.parts)


def numbers(block: Block, found: int, zone: int = 0) -> list[int]:
    """The sequence numbers of a set of its entries, rising; `zone`: the place that the set begins at."""
    start = block.first + zone
    return [start + place for place in places(found)] if found else []
