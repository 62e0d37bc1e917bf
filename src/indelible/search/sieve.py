"""What blocks tell of their entries, without reading them: those that fit surely, and those that may.

A set of each. The grams of a word may stand in a text that lacks it; all else is sure. `and`, `or` and `not` of such
pairs are those of their sets (Kleene, 1938).
"""

from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter

from indelible.index.block import Block
from indelible.index.grams import Range, exact, ranges
from indelible.index.kept import Grams, Sifted
from indelible.search.plan import Look, Plan
from indelible.store.promise import Dimension

NAMES = 32  # whose sets are counted rather than read
GRAMS = 6  # of a word, the rarest; more would find hardly less


class Sieve:
    """Of one plan. Which grams of a word are rare it learns from the first block that it is asked about."""

    def __init__(self, plan: Plan, grams: Grams) -> None:
        self._plan = plan
        self._grams = grams
        self._any_time = plan.since is plan.until is None

    def sift(self, block: Block) -> Sifted:
        """What is cheap is asked first: where that holds for nothing, nothing else is asked."""
        sure = maybe = self._within(block)
        cost = 0
        for weight, look in self._cheapest_first(block):
            if not maybe:
                break
            cost += weight if weight <= GRAMS else min(weight, 1 + block.count(maybe))  # few are looked at one by one
            surely, possibly = self._one(look, block, maybe)
            sure, maybe = sure & surely, maybe & possibly
        return Sifted(sure, maybe, cost)

    def _cheapest_first(self, block: Block) -> list[tuple[int, Look]]:
        looks = self._plan.looks
        if len(looks) == 1:
            return [(_weight(looks[0], block), looks[0])]
        return sorted([(_weight(look, block), look) for look in looks], key=itemgetter(0))

    def amounts(self, blocks: Sequence[Block]) -> list[int | None]:
        """How many of each fit, where that is known without knowing which: every entry, or those of a few names."""
        if self._any_time:
            return self._amounts(blocks)
        whole = [block for block in blocks if self.whole(block)]
        known = dict(zip(whole, self._amounts(whole), strict=True))
        return [known[block] if block in known else None if self._within(block) else 0 for block in blocks]

    def _amounts(self, blocks: Sequence[Block]) -> list[int | None]:
        if not self._plan.looks:
            return [block.size for block in blocks]
        if self._names is None:
            return [None] * len(blocks)
        dimension, ids = self._names
        return [block.amount(dimension, ids) for block in blocks]

    def count(self, block: Block, within: int) -> int:
        """How many of `within` fit, where the amount is known."""
        return block.count(within) if self._names is None else block.amount(*self._names, within)

    @cached_property
    def _names(self) -> tuple[Dimension, frozenset[int]] | None:
        """A few names of one dictionary, if they tell all."""
        if len(self._plan.looks) != 1:
            return None
        (look,) = self._plan.looks
        numbers = look.numbers or [("action", frozenset[int]())]
        few = len(numbers) == 1 and len(numbers[0][1]) <= NAMES
        return numbers[0] if few and not look.negated and not look.texts else None

    def _one(self, look: Look, block: Block, within: int) -> tuple[int, int]:
        sure = possible = 0
        for dimension, ids in look.numbers:
            sure |= block.among(dimension, ids, within)
        word, kinds = look.word, list[str]()
        grams_tell = look.whole and exact(word)
        for kind in look.texts:
            there, long = block.has(kind, self._rare(kind, word, block)[0]), block.long(kind)
            if there:
                kinds.append(kind)
            if long or (there and not grams_tell):
                sure |= block.commonly(kind, word, look.fits)
        left = (within & ~sure if sure else within) if look.texts else 0
        for kind in kinds if left else ():
            possible |= block.having(kind, self._rare(kind, word, block), left)
        if grams_tell:
            sure |= possible
        for kind in look.texts if left else ():
            possible |= block.long(kind)
        possible |= sure
        return (block.every & ~possible, block.every & ~sure) if look.negated else (sure, possible)

    def _rare(self, kind: str, word: str, block: Block) -> list[Range]:
        found = self._grams.get((kind, word))
        if found is None:
            found = self._grams[kind, word] = block.rarest(kind, ranges(word))[:GRAMS]
        return found

    def whole(self, block: Block) -> bool:
        """Whether all of it is within the range."""
        return self._within(block) is block.every

    def _within(self, block: Block) -> int:
        """By its lowest and highest time most blocks are within the range, or are not."""
        if self._any_time:
            return block.every
        lowest, highest = block.span
        since = None if self._plan.since is None or self._plan.since <= lowest else self._plan.since
        until = None if self._plan.until is None or highest < self._plan.until else self._plan.until
        if (since is not None and highest < since) or (until is not None and until <= lowest):
            return 0
        return block.every if since is until is None else block.within(since, until)


def _weight(look: Look, block: Block) -> int:
    weight = len(look.texts) * GRAMS
    for dimension, ids in look.numbers:
        weight += block.weight(dimension, ids)
    return weight
