"""From a query to conditions: text is resolved in the dictionaries, entries are found by integers.

All values are bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from indelible.event import micros
from indelible.log import Log
from indelible.search.query import ANY, Query, Term

FEW = 100  # integers of one condition that an index is asked for; most of more would not be in its segment

# For each dimension of an entry: its column, and the dictionary that turns text into its integers.
DICTIONARIES = {
    "action": ("action_id", "action"),
    "type": ("entity_type_id", "entity_type"),
    "thing": ("entity_id", "entity"),
    "user": ("actor_id", "actor"),
    "org": ("organization_id", "organization"),
    "operation": ("operation_id", "operation"),
    "source": ("source_id", "source"),
}
LOOKS_IN = {
    ANY: ("action", "type", "thing", "user"),
    "action": ("action",),
    "entity": ("type", "thing"),
    "user": ("user",),
    "org": ("org",),
    "operation": ("operation",),
    "source": ("source",),
}
NOT_INDEXED = ("operation_id", "source_id")


@dataclass
class Plan:
    """Conditions on `entry e`, and the values they bind."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    indexed: bool = False  # one of them is found by an index of each segment
    nothing: bool = False  # they cannot be met: a text is in no dictionary

    def add(self, condition: str, *values: Any, indexed: bool = False) -> None:
        self.conditions.append(condition)
        self.values.extend(values)
        self.indexed = self.indexed or indexed


def plan(log: Log, query: Query, organization: str | None) -> Plan:
    """`organization` is the tenant the viewer is confined to; it stands before whatever they typed."""
    made = Plan()
    if organization is not None:
        found = _ids(log, "organization", "key = ?", organization)
        _require(made, [("organization_id", found)])
    if query.since:
        made.add("e.at >= ?", micros(query.since), indexed=True)
    if query.until:
        made.add("e.at < ?", micros(query.until), indexed=True)
    for term in query.terms:
        found_in = [(column, ids) for column, ids in _places(log, term) if ids]
        if term.negated:
            _refuse(made, found_in)
        else:
            _require(made, found_in)
    return made


def _require(made: Plan, places: Sequence[tuple[str, list[int]]]) -> None:
    """One of the columns has one of its integers."""
    places = [(column, ids) for column, ids in places if ids]
    made.nothing = made.nothing or not places
    # The index is asked for all of them or for none: an entry may be found in either.
    indexed = all(len(ids) <= FEW and column not in NOT_INDEXED for column, ids in places)
    conditions, values = (
        zip(*(_among(column, ids, indexed=indexed) for column, ids in places), strict=True) if places else ((), ())
    )
    made.add(f"({' OR '.join(conditions) or '0'})", *values, indexed=indexed and bool(places))


def _refuse(made: Plan, places: Sequence[tuple[str, list[int]]]) -> None:
    """None has. `ifnull`: an entry without an organization is not of this one."""
    for column, ids in places:
        condition, value = _among(column, ids, indexed=False)
        made.add(f"NOT ifnull({condition}, 0)", value)


def _among(column: str, ids: list[int], *, indexed: bool) -> tuple[str, str]:
    """The plus sign keeps an index from being used."""
    return f"{'' if indexed else '+'}e.{column} IN (SELECT value FROM json_each(?))", msgspec.json.encode(ids).decode()


def _places(log: Log, term: Term) -> list[tuple[str, list[int]]]:
    """The columns a term looks in, and the integers of what fits it."""
    type_, slash, key = term.value.partition("/")
    if term.key == "entity" and slash:
        of_type = "(SELECT id FROM entity_type WHERE lower(name) = lower(?))"
        return [("entity_id", _ids(log, "entity", f"key = ? AND type_id IN {of_type}", key, type_))]
    test, value = _match(term)
    places = [DICTIONARIES[name] for name in LOOKS_IN[term.key]]
    return [(column, _ids(log, table, test, value)) for column, table in places]


def _ids(log: Log, table: str, test: str, *values: Any) -> list[int]:
    return [id_ for (id_,) in log.select(f"SELECT id FROM {table} WHERE {test}", values)]


def _match(term: Term) -> tuple[str, str]:
    """A test on `folded`, which holds one spelling a line. With a star the whole spelling must fit."""
    text = term.value.casefold()
    if "*" not in text or term.quoted:
        return "instr(folded, ?)", text
    pattern = "".join(f"[{c}]" if c in "[?" else c for c in text)
    return "char(10) || folded || char(10) GLOB ?", f"*\n{pattern}\n*"
