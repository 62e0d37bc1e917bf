"""The index that people search, held against the lines: a row missing there would hide an entry from most people."""

from datetime import datetime
from typing import Any

import msgspec

from indelible.errors import VerificationError
from indelible.event import Entry, micros
from indelible.log import Log
from indelible.store.folding import spellings

INDEXED = 9  # columns of an index row before those that are only compared by a search


def check_index(log: Log, entries: list[Entry]) -> None:
    """The rows people search by say what the lines say, and would be found by it. `entries` are a run of the log's."""
    if not entries:
        return
    rows = {row[0]: row[1:] for row in log.store.index_rows(entries[0].seq, entries[-1].seq + 1)}
    for entry in entries:
        row = rows.pop(entry.seq, None)
        if row is None or row[:INDEXED] != _index_row(entry) or not _findable(entry, row[INDEXED:]):
            message = f"the search index does not say of entry {entry.seq} what its line says."
            raise VerificationError("index", message, entry.seq)


def _findable(entry: Entry, folded: tuple[str, ...]) -> bool:
    """What the dictionaries compare a search with has every spelling that the line has."""
    actor, entity, organization = entry.actor, entry.entity, entry.organization
    wanted = (
        spellings(entry.action), spellings(entry.operation), spellings(entry.context.source or "unknown"),
        spellings(entity.type),
        (entity.id, entity.name), (actor.name, actor.email, actor.id, actor.type),
        (organization.id, organization.name) if organization else (),
    )  # fmt: skip
    return all(
        {line for spelling in each if spelling for line in spelling.casefold().split("\n") if line}
        <= {*(found or "").split("\n")}
        for each, found in zip(wanted, folded, strict=True)
    )


def _index_row(entry: Entry) -> tuple[Any, ...]:
    """The row that a store writes for this line."""
    at = micros(datetime.fromisoformat(entry.occurred_at))
    actor = msgspec.json.encode(entry.actor).decode()
    organization = entry.organization.id if entry.organization else None
    return (
        entry.id.bytes, at, entry.action, entry.operation, entry.context.source or "unknown",
        entry.entity.type, entry.entity.id, actor, organization,
    )  # fmt: skip
