"""What a store promises, whichever database it stands on. They share this and its tests, not code.

A store holds the leaves, the tree's head, the signed notes, the values set aside, and the index that is made of the
lines. It is trusted with none of it: see `verify`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from indelible.event import Event
from indelible.merkle.tree import Frontier
from indelible.store.folding import Spelled

MIN_SIZE, MAX_SIZE = -(2**63), 2**63 - 1  # of a log: what both databases count to
PAGE = 1000  # rows read in one go
STRETCH = 500  # lines, likewise: of a megabyte the memory would be asked of the system anew each time
SORTED = 10_000  # likewise, of what is sorted as a whole for each page

# What an entry is found by: each is a dictionary of names, in which an entry has one.
Dimension = Literal["action", "operation", "source", "entity_type", "entity", "actor", "organization"]


def cut(places: range) -> Iterator[range]:
    """Into stretches."""
    return (places[at : at + STRETCH] for at in range(0, len(places), STRETCH))


class Head(NamedTuple):
    """The tree as of the last commit."""

    size: int
    root: bytes
    frontier: Frontier


class Names(Protocol):
    """What the log last knew something by; asked within a transaction."""

    def expect(self, entities: Iterable[tuple[str, str]]) -> None:
        """The names of these, by type and id, are asked for soon: where each costs a journey, they go together."""

    def entity_number(self, entity_type: str, key: str) -> int | None:
        """What stands for it in entries, if there are any; asked before anything is added in the transaction."""

    def entity_name(self, entity_type: str, key: str) -> str | None: ...
    def organization_name(self, key: str) -> str | None: ...


class Appending(Protocol):
    """One transaction on the log: what is added becomes visible together, or not at all."""

    @property
    def names(self) -> Names: ...
    @property
    def size(self) -> int:
        """Leaves in the tree, those added here included."""

    def known(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        """Those of these identities whose record is in the log already, and its place there."""

    def add(self, event: Event) -> int:
        """Write the entry; gives its sequence number. Raises EventError before anything is written."""


class Among(NamedTuple):
    """An entry whose name in this dictionary is one of these, by their numbers."""

    dimension: Dimension
    ids: list[int]


class Clause(NamedTuple):
    """One of the places holds; negated: none does."""

    places: Sequence[Among]
    negated: bool = False


@dataclass(frozen=True)
class Wanted:
    """Entries for which every clause holds, within since <= time < until (microseconds since 1970, UTC)."""

    clauses: list[Clause] = field(default_factory=list)
    since: int | None = None
    until: int | None = None

    @property
    def nothing(self) -> bool:
        """No entry can be found: a clause that is to hold has no place to."""
        return any(not clause.negated and not any(place.ids for place in clause.places) for clause in self.clauses)


class Store(Protocol):
    """Holds connections. What is asked after `close` is a LogError. Its `str()` names it in messages."""

    @property
    def properties(self) -> dict[str, str]:
        """Written once, by `init`: origin and verifier."""

    @property
    def key_path(self) -> Path:
        """Where its signing key is looked for; the signer's memory stands beside it."""

    @property
    def index_path(self) -> Path:
        """The folder of its blocks: see `index`."""

    def close(self) -> None: ...

    def appending(self) -> AbstractContextManager[Appending]:
        """THE COMMIT POINT. Leaves, index rows, dictionaries, tree and head, in one transaction.

        A crash before COMMIT leaves the log as it was, and the records in their outbox. A crash after it
        leaves them sealed and still in the outbox; the next pass finds that the log knows them.
        Raises ConflictError if another sealer moved the head, LogError if the database refuses.
        """

    def unwritable(self) -> str | None:
        """Why nothing can be recorded, as far as the database says it by itself. Cheap; waits for no writer."""

    def head(self) -> Head: ...
    def settled(self) -> Head:
        """The head, once all of it is wherever a commit puts it: on the disk, and on a synchronous standby's."""

    def line(self, seq: int) -> bytes | None: ...
    def leaves(self, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
        """(seq, hash, line) of start <= seq < stop, in batches, so that no snapshot is held for long."""

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Hashes of the tree: leaves at level 0, above them roots of complete subtrees of 256 ** level leaves."""

    def lines(self, wanted: Sequence[int], organization: str | None = None) -> list[bytes]:
        """The lines at these places, in sequence order; with an organization those that the index says are its own.

        A `range` of them without gaps is read as one.
        """

    def stretches(self, wanted: range) -> Iterator[tuple[range, list[bytes]]]:
        """The lines at all these places, some at a time, with the places. Of those that are not there none."""

    def knows(self, id_: UUID, below: int) -> bool: ...
    def attached(self, hash_: bytes) -> bytes | None: ...

    def add_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed note; one that is not newer than the newest is passed over."""

    def tell(self, tell: Callable[[], None]) -> None:
        """Until `close`, call it when any process has added a checkpoint, as far as the database tells."""

    def newest_checkpoint(self, upto: int | None = None) -> tuple[int, str] | None:
        """Its size and note; with `upto` the newest that is not of a larger tree."""

    def checkpoints(self, upto: int = MAX_SIZE) -> Iterator[tuple[int, str]]:
        """Size and note of each, the smaller first; in pages."""

    def add_organization_checkpoint(self, organization: str, log_size: int, note: str) -> None:
        """Keep the signed note of an organization's tree, as `add_checkpoint` does the log's."""

    def newest_organization_checkpoint(self, organization: str) -> tuple[int, str] | None:
        """The log's size among which it was made, and the note."""

    def organization_checkpoints(self) -> Iterator[tuple[str, int, str]]:
        """(organization, log size, note), by the log's size; in pages."""

    def add_cosignature(self, size: int, line: str) -> None:
        """Keep a witness's line for the checkpoint of this size; once is enough."""

    def cosigned(self, size: int) -> str:
        """The witnesses' lines for the checkpoint of this size."""

    def newest_cosigned(self, witness: str, upto: int | None = None) -> tuple[int, str] | None:
        """The newest checkpoint (not of a larger tree) that has a line of this name, as it was signed; without it."""

    def add_key_change(self, number: int, note: str) -> None:
        """Keep the note of a change of the signing key. Raises LogError if it is not the next one."""

    def key_changes(self) -> list[str]:
        """In their order."""

    def having(self, dimension: Dimension, text: str) -> list[int]:
        """Numbers of the names with a spelling that contains the case-folded text."""

    def fitting(self, dimension: Dimension, pattern: str) -> list[int]:
        """Numbers of the names with a spelling that the case-folded pattern fits, whole; `*` stands for anything."""

    def spelled(self, start: Mapping[Dimension, int], limit: int) -> dict[Dimension, list[Spelled]]:
        """Of each of these dictionaries the names from that number on, rising, up to `limit`; in one question."""

    def keyed(self, dimension: Literal["organization"], key: str) -> list[int]:
        """The number of the organization with this id, if there is one."""

    def entity(self, entity_type: str, key: str) -> list[int]:
        """Numbers of the entities with this id, of types of that name in whatever case."""

    def columns(self, wanted: Sequence[int], dimensions: Sequence[Dimension]) -> list[tuple[int, ...]]:
        """Of the entries at these places the time, and the number of the name in each of these dictionaries; 0: none.

        In sequence order.
        """

    def named(self, numbers: Mapping[Dimension, Collection[int]]) -> dict[Dimension, dict[int, str]]:
        """The names behind numbers, in one question: an actor's JSON as it looked, an organization's id."""

    def find(self, wanted: Wanted, entries: range, limit: int, *, descending: bool) -> dict[int, int]:
        """The first `limit` among these places, in that direction, and the time of each."""

    # For `verify`.

    def moved(self) -> str | None:
        """What became of its file, if that is no longer what was opened; who writes on writes for nobody."""

    def pulse(self) -> object:
        """Another one after each write, whoever makes it, as far as the database lets that be seen."""

    def bounds(self) -> tuple[int | None, int | None]:
        """The lowest and the highest place that anything stands at, in the log or its index."""

    def index_rows(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        """The index as people search it: seq, what each number stands for, and what searches compare."""

    def attachments(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(hash, nonce, value) one by one: they are large."""

    def damage(self) -> str | None:
        """What the database itself finds wrong with its files and indexes."""

    def altered(self) -> str | None:
        """What the log was made with and is another one now, or gone: what refuses to have it changed."""
