"""What was counted of the entries that are meant, and where they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from indelible.index.block import Block
from indelible.index.sets import places


class Teller(NamedTuple):
    """Tells which entries of a block were counted, in a set, and how many of a set."""

    found: Callable[[Block], int]
    among: Callable[[Block, int], int]


@dataclass(eq=False)  # not frozen: to make one would take four times as long, and there is one for each block
class Part:
    """Entries from behind the blocks, newest first, and their times; or of a block. Nobody changes it."""

    size: int
    entries: Mapping[int, int] = field(default_factory=dict)
    block: Block | None = None
    told: int | Teller = 0  # which those are; of most blocks nobody asks

    @cached_property
    def found(self) -> int:
        """Those of the block, in a set."""
        told, block = self.told, self.block
        if isinstance(told, int):
            return told
        return told.found(block) if block is not None else 0

    def count(self, block: Block, within: int) -> int:
        """How many of a set."""
        told = self.told
        return (told & within).bit_count() if isinstance(told, int) else told.among(block, within)

    def span(self) -> tuple[int, int] | None:
        """Between which times they are, about: those of their block."""
        if self.block is not None:
            return self.block.span
        times = self.entries.values()
        return (min(times), max(times)) if times else None

    def newest(self, limit: int) -> list[int]:
        return numbers(self.block, self.found)[-limit:] if self.block else list(self.entries)[:limit]


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
