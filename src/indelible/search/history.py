"""One thing from its first entry to its last: what changed, and what it was at any moment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from indelible.event import Entry, read
from indelible.log import Log
from indelible.search.page import lines
from indelible.search.query import Query, Term

SHOWS = ("create", "update", "baseline")  # operations that only something that is there can have


@dataclass(frozen=True)
class Known:
    """What the log knows of a thing. `fields` are spelled as in entries; of what it never told nothing is known.

    `there`: it was made, or seen, and not deleted since.
    """

    there: bool = False
    name: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    last: Entry | None = None  # that made it so


def history(log: Log, entity_type: str, key: str, *, organization: str | None = None) -> Iterator[Entry]:
    """Its entries, oldest first; `organization` sees only its own.

    A type may be given in other letters than it has, where none has just these.
    """
    found = partial(_found, log, Query((thing(entity_type, key),)), organization)
    if not any(entry.entity.type == entity_type for entry in found()):
        return found()
    return (entry for entry in found() if entry.entity.type == entity_type)


def _found(log: Log, query: Query, organization: str | None) -> Iterator[Entry]:
    return map(read, lines(log, query, organization=organization))


def thing(entity_type: str, key: str) -> Term:
    """The term that means it."""
    return Term("entity", f"{entity_type}/{key}", exactly=(entity_type, key))


def known(entries: Iterable[Entry], until: datetime | None = None) -> Known:
    """After its entries, or after those before a moment; in the order of the log, which is that of the database."""
    found = Known()
    for entry in entries:
        if until is None or datetime.fromisoformat(entry.occurred_at) < until:
            found = after(found, entry)
    return found


def difference(before: Known, after: Known) -> dict[str, dict[str, Any]]:
    """As the changes of an entry: what is in one of them alone has only that side."""
    sides = {"old": before.fields, "new": after.fields}
    changes = {
        name: {side: fields[name] for side, fields in sides.items() if name in fields}
        for name in dict.fromkeys([*before.fields, *after.fields])
    }
    return {name: change for name, change in changes.items() if change.get("old", ...) != change.get("new", ...)}


def after(before: Known, entry: Entry) -> Known:
    """What is known once an entry is read, too: what failed or was refused changed nothing."""
    if entry.outcome != "success":
        return replace(before, name=before.name or entry.entity.name)
    name = entry.entity.name or before.name
    if entry.operation == "delete":
        return Known(there=False, name=name, fields={}, last=entry)
    if not before.there and before.last is not None and entry.operation not in SHOWS:
        return replace(before, name=name)  # somebody asked for what was deleted
    new = {field_: change["new"] for field_, change in entry.changes.items() if "new" in change}
    gone = {field_ for field_, change in entry.changes.items() if "new" not in change}
    kept = {} if entry.operation == "create" else {f: value for f, value in before.fields.items() if f not in gone}
    return Known(there=True, name=name, fields=kept | new, last=entry)
