"""Whether one entry, as it is written, fits a query: for those who hear of entries one by one, and for what no index
can tell.

Dictionaries also know an organization by the names that it had in other entries; here an entry is all there is.
Otherwise they agree.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from indelible.event import Entry, Organization
from indelible.index.texts import texts
from indelible.search import looks
from indelible.search.query import Query, Term, one
from indelible.store.folding import fits, spellings
from indelible.store.promise import Dimension

Match = Callable[[Entry], bool]
Told = Callable[[Entry], Iterable[str | None]]

# What each dictionary of a store has of an entry.
_NAMES: dict[Dimension, Told] = {
    "action": lambda entry: spellings(entry.action),
    "operation": lambda entry: spellings(entry.operation),
    "source": lambda entry: spellings(entry.context.source or "unknown"),
    "entity_type": lambda entry: spellings(entry.entity.type),
    "actor": lambda entry: (entry.actor.name, entry.actor.email, entry.actor.id, entry.actor.type),
    "organization": lambda entry: (entry.organization.id, entry.organization.name) if entry.organization else (),
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
    if (meant := one(term)) is not None:
        type_, key = meant
        if term.key == "user":
            return lambda entry: (entry.actor.type, entry.actor.id) == (type_, key)
        return lambda entry: entry.entity.id == key and entry.entity.type.casefold() == type_.casefold()
    wanted, told = term.value.casefold(), _told(term.key)
    if "*" not in wanted or term.quoted:
        return lambda entry: any(wanted in each.casefold() for each in told(entry) if each)
    return lambda entry: any(fits(wanted, each.casefold()) for each in told(entry) if each)


def _told(key: str) -> Told:
    """What a term of this key looks at."""
    names = [_NAMES[dimension] for dimension in looks.NAMES.get(key, ())]
    kinds = looks.TEXTS.get(key, ())

    def told(entry: Entry) -> Iterable[str | None]:
        if kinds:  # first: of an entry that is read to be searched, an index knows the names
            yield from (text for kind, text in texts(entry) if kind in kinds)
        for each in names:
            for name in each(entry):  # of one that has several lines each is a spelling: see `folding.fold`
                yield from (name or "").split("\n")

    return told


def _within(query: Query) -> Match:
    def within(entry: Entry) -> bool:
        at = datetime.fromisoformat(entry.occurred_at)
        return (query.since is None or query.since <= at) and (query.until is None or at < query.until)

    return within


def _key(organization: Organization | None) -> str | None:
    return organization.id if organization else None
