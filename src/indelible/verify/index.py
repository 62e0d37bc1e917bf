"""The index that people search, held against the lines: a row missing there would hide an entry from most people."""

from datetime import datetime
from typing import Any

import msgspec

from indelible.errors import VerificationError
from indelible.event import Entry, micros, read
from indelible.log import Log
from indelible.store.folding import spellings

INDEXED = 9  # columns of an index row before those that are only compared by a search

_Named = tuple[str, ...]  # an entity's type and id, or an organization's id


class Index:
    """The rows people search by say what the lines say: each would be found by that, and by nothing else.

    What an entity or an organization is called by is in one row for all its entries: names that are not in the entry
    at hand are expected in others. Only of those with several names something is kept.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._expected: dict[_Named, tuple[int, set[str]]] = {}  # the first entry of it, and what others are to have

    def check(self, entries: list[Entry]) -> None:
        """A run of the log's. Raises VerificationError."""
        if not entries:
            return
        found = self._log.store.index_rows(entries[0].seq, entries[-1].seq + 1)
        rows = {row[0]: row[1:] for row in found}
        for entry in entries:
            row = rows.get(entry.seq)
            if row is None or row[:INDEXED] != _index_row(entry) or not self._findable(entry, row[INDEXED:]):
                raise _wrong(entry.seq)
        if len(found) > len(entries):
            raise VerificationError("index", f"of entries from {entries[0].seq} on one is in the search index twice.")

    def finish(self) -> None:
        """After the last entry. Of a log that grew meanwhile a name may be of an entry since: all are read again."""
        missed = {named: names for named, (_, names) in self._expected.items() if names}
        if not missed:
            return
        for _, _, line in self._log.leaves(0, self._log.head().size):
            for named, names in _names(read(line)).items():
                if named in missed:
                    missed[named] -= names
        if left := [self._expected[named][0] for named, names in missed.items() if names]:
            raise _wrong(min(left))

    def _findable(self, entry: Entry, folded: tuple[str | None, ...]) -> bool:
        action, operation, source, type_, entity, actor, organization = (_lines(each) for each in folded)
        plain = (
            (action, spellings(entry.action)), (operation, spellings(entry.operation)),
            (source, spellings(entry.context.source or "unknown")), (type_, spellings(entry.entity.type)),
            (actor, (entry.actor.name, entry.actor.email, entry.actor.id, entry.actor.type)),
        )  # fmt: skip
        named = zip(_names(entry).items(), (entity, organization), strict=False)
        return all(found == _folded(*wanted) for found, wanted in plain) and all(
            self._called(entry.seq, of, names, found) for (of, names), found in named
        )

    def _called(self, seq: int, named: _Named, names: set[str], found: set[str]) -> bool:
        if names != found or named in self._expected:
            self._expected.setdefault(named, (seq, found - names))[1].difference_update(names)
        return names <= found


def _wrong(seq: int) -> VerificationError:
    return VerificationError("index", f"the search index does not say of entry {seq} what its line says.", seq)


def _lines(folded: str | None) -> set[str]:
    return {line for line in (folded or "").split("\n") if line}


def _folded(*spelled: str | None) -> set[str]:
    return {line for each in spelled if each for line in each.casefold().split("\n") if line}


def _names(entry: Entry) -> dict[_Named, set[str]]:
    """What its entity and its organization are called in it."""
    entity, organization = entry.entity, entry.organization
    names: dict[_Named, set[str]] = {(entity.type, entity.id): _folded(entity.id, entity.name)}
    if organization:
        names[organization.id,] = _folded(organization.id, organization.name)
    return names


def _index_row(entry: Entry) -> tuple[Any, ...]:
    """The row that a store writes for this line."""
    at = micros(datetime.fromisoformat(entry.occurred_at))
    actor = msgspec.json.encode(entry.actor).decode()
    organization = entry.organization.id if entry.organization else None
    return (
        entry.id.bytes, at, entry.action, entry.operation, entry.context.source or "unknown",
        entry.entity.type, entry.entity.id, actor, organization,
    )  # fmt: skip
