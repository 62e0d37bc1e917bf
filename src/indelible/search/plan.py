"""From a query to SQL: text is resolved in the dictionaries, entries are found by integers. All values are bound."""

from dataclasses import dataclass, field
from typing import Any

from indelible.event import micros
from indelible.search.query import ANY, Query, Term

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


@dataclass
class Plan:
    """Conditions on `entry e`, and the values they bind."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions) or "1"


def plan(query: Query, organization: str | None) -> Plan:
    """`organization` is the tenant the viewer is confined to; it stands before whatever they typed."""
    made = Plan()
    if organization is not None:
        made.add("e.organization_id = (SELECT id FROM organization WHERE key = ?)", organization)
    if query.since:
        made.add("e.at >= ?", micros(query.since))
    if query.until:
        made.add("e.at < ?", micros(query.until))
    for term in query.terms:
        condition, values = _condition(term)
        # `ifnull`: an entry without an organization is not of this one. Only there: it keeps SQLite off the indexes.
        made.add(f"NOT ifnull({condition}, 0)" if term.negated else f"({condition})", *values)
    return made


def _condition(term: Term) -> tuple[str, list[Any]]:
    type_, slash, key = term.value.partition("/")
    if term.key == "entity" and slash:
        of_type = "(SELECT id FROM entity_type WHERE lower(name) = lower(?))"
        return f"e.entity_id IN (SELECT id FROM entity WHERE key = ? AND type_id IN {of_type})", [key, type_]
    test, value = _match(term)
    places = [DICTIONARIES[name] for name in LOOKS_IN[term.key]]
    found = [f"e.{column} IN (SELECT id FROM {table} WHERE {test})" for column, table in places]
    return " OR ".join(found), [value] * len(found)


def _match(term: Term) -> tuple[str, str]:
    """A test on `folded`, which holds one spelling a line. With a star the whole spelling must fit."""
    text = term.value.casefold()
    if "*" not in text or term.quoted:
        return "instr(folded, ?)", text
    pattern = "".join(f"[{c}]" if c in "[?" else c for c in text)
    return "char(10) || folded || char(10) GLOB ?", f"*\n{pattern}\n*"
