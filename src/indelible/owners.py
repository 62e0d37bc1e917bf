"""Whose a thing is, as the log itself last knew it: what has no organization of its own goes by it."""

from collections.abc import Collection, Iterator
from contextlib import suppress

from indelible.errors import EventError, LogError
from indelible.event import Entry, Event, read
from indelible.index.blocks import Blocks
from indelible.index.sets import places
from indelible.store.promise import Among, Clause, Names, Store, Wanted

STRETCH = 10_000  # entries behind the blocks that are looked through at once
LOOKED = 1000  # lines that are read at once, in search of one that tells
MAX_KEPT = 50_000  # things remembered between batches

Thing = tuple[str, str]  # type and id


class Owners:
    """Organizations of the things that are asked for, with a memory that holds as long as nobody else appends."""

    def __init__(self, store: Store, blocks: Blocks) -> None:
        self._store, self._blocks = store, blocks
        self._known: dict[Thing, str | None] = {}
        self._size = -1

    def expect(self, size: int, names: Names, things: Collection[Thing]) -> None:
        """Call inside the transaction, with the size of the log and all that this batch will ask for."""
        if size != self._size or len(self._known) > MAX_KEPT:
            self._known.clear()
        self._size = -1  # until this batch is committed
        unknown = set(things) - self._known.keys()
        self._known |= dict.fromkeys(unknown)
        numbers = {number: thing for thing in unknown if (number := names.entity_number(*thing)) is not None}
        if numbers:
            self._look(numbers, size)

    def told(self, event: Event) -> None:
        """It is being appended: what comes behind it goes by it."""
        if self._known and event.organization is not None:
            thing = event.entity.type, event.entity.id
            if thing in self._known:
                self._known[thing] = event.organization.id

    def of(self, entity_type: str, key: str) -> str | None:
        """The organization's id."""
        return self._known.get((entity_type, key))

    def keep(self, size: int) -> None:
        """The batch is committed."""
        self._size = size

    def _look(self, numbers: dict[int, Thing], size: int) -> None:
        """In the log, from its newest entry back to the first that tells of each. Raises LogError."""
        if (here := self._store.head().size) < size:  # of several servers the one that was the first, for a while yet
            raise LogError(f"{self._store} has {here} of {size} entries where it is read. Look at that server.")
        for found in self._newest(numbers, size):
            told = self._store.columns(found, ("entity", "organization")) if found else []
            # Not strict: where the index lacks a row these are other entries, and a line says itself what it is of.
            rows = [(seq, number) for seq, (_, number, owner) in zip(found, told, strict=False) if owner]
            width = len(numbers)
            while rows := [(seq, number) for seq, number in rows if number in numbers]:
                self._read([seq for seq, _ in rows[-width:]], numbers)
                rows, width = rows[:-width], min(2 * width, LOOKED)
            if not numbers:
                return

    def _read(self, seqs: list[int], numbers: dict[int, Thing]) -> None:
        """What these entries tell is known, and nobody looks for it any more."""
        looked_for = {thing: number for number, thing in numbers.items()}
        for line in reversed(self._store.lines(seqs)):  # the newest that tells
            with suppress(EventError):  # a line that was damaged keeps nothing from being sealed: `verify` tells of it
                entry = read(line)
                number = looked_for.get((entry.entity.type, entry.entity.id))
                if number in numbers and entry.organization is not None and not _sent(entry):
                    self._known[numbers.pop(number)] = entry.organization.id

    def _newest(self, numbers: Collection[int], size: int) -> Iterator[list[int]]:
        """Places of entries of things with these numbers, rising, in stretches that fall."""
        blocks = self._blocks.upto(size)
        indexed = blocks[-1].stop if blocks else 0
        for stop in range(size, indexed, -STRETCH):
            wanted = Wanted([Clause([Among("entity", list(numbers))])])
            yield list(self._store.find(wanted, range(max(indexed, stop - STRETCH), stop), STRETCH, descending=False))
        for block in reversed(blocks):
            yield [block.first + place for place in places(block.among("entity", numbers, block.every))]


def _sent(entry: Entry) -> bool:
    """By a program with a key: one of another organization could take the thing's entries for itself."""
    return "api_key" in entry.metadata
