"""Whether one entry, as it is written, fits a query: for those who hear of entries one by one.

`find` also knows an entity by the names that it had in other entries; here an entry is all there is. Otherwise they
agree.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from indelible.event import Entry, Organization
from indelible.search.plan import LOOKS_IN
from indelible.search.query import Query, Term
from indelible.store.folding import fits, fold, spellings
from indelible.store.promise import Dimension

Match = Callable[[Entry], bool]

# What each dictionary of a store has of an entry: case-folded, one spelling a line.
_TEXT: dict[Dimension, Callable[[Entry], str]] = {
    "action": lambda entry: fold(*spellings(entry.action)),
    "operation": lambda entry: fold(*spellings(entry.operation)),
    "source": lambda entry: fold(*spellings(entry.context.source or "unknown")),
    "entity_type": lambda entry: fold(*spellings(entry.entity.type)),
    "entity": lambda entry: fold(entry.entity.id, entry.entity.name),
    "actor": lambda entry: fold(entry.actor.name, entry.actor.email, entry.actor.id, entry.actor.type),
    "organization": lambda entry: fold(entry.organization.id, entry.organization.name) if entry.organization else "",
}


def matching(query: Query, organization: str | None = None) -> Match:
    """`organization` is the tenant that whoever hears of it is confined to; it stands before whatever they ask."""
    tests = [_term(term) for term in query.terms]
    if query.since is not None or query.until is not None:
        tests.insert(0, _within(query))
    if organization is not None:
        tests.insert(0, lambda entry: _key(entry.organization) == organization)
    return lambda entry: all(test(entry) for test in tests)


def _term(term: Term) -> Match:
    holds = _holds(term)
    return (lambda entry: not holds(entry)) if term.negated else holds


def _holds(term: Term) -> Match:
    type_, slash, key = term.value.partition("/")
    if term.key == "entity" and slash:
        type_ = type_.casefold()
        return lambda entry: entry.entity.id == key and entry.entity.type.casefold() == type_
    texts, wanted = [_TEXT[dimension] for dimension in LOOKS_IN[term.key]], term.value.casefold()
    if "*" not in wanted or term.quoted:
        return lambda entry: any(wanted in text(entry) for text in texts)
    return lambda entry: any(_fits(wanted, text(entry).split("\n")) for text in texts)


def _fits(pattern: str, told: Iterable[str]) -> bool:
    return any(fits(pattern, spelling) for spelling in told if spelling)


def _within(query: Query) -> Match:
    def within(entry: Entry) -> bool:
        at = datetime.fromisoformat(entry.occurred_at)
        return (query.since is None or query.since <= at) and (query.until is None or at < query.until)

    return within


def _key(organization: Organization | None) -> str | None:
    return organization.id if organization else None
