"""Whether one entry, as it is written, fits a query: for those who hear of entries one by one, and for what no index
can tell.

Dictionaries also know an organization by the names that it had in other entries; here an entry is all there is.
Otherwise they agree.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from indelible.event import Entry, Organization
from indelible.index.texts import TEXTS
from indelible.search import looks
from indelible.search.query import Query, Term, one
from indelible.store.folding import fits, spellings
from indelible.store.promise import Dimension

Match = Callable[[Entry], bool]
Told = Callable[[Entry], Iterable[str]]

# What each dictionary of a store has of an entry.
_NAMES: dict[Dimension, Callable[[Entry], Iterable[str | None]]] = {
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
    fit: Callable[[str], bool] = (
        partial(fits, wanted) if "*" in wanted and not term.quoted else lambda text: wanted in text
    )
    return lambda entry: any(fit(text.casefold()) for each in told for text in each(entry) if text)


def _told(key: str) -> list[Told]:
    """What a term of this key looks at. Texts first: of an entry that is read for a search an index knows the names."""
    names = (_NAMES[dimension] for dimension in looks.NAMES.get(key, ()))
    return [*(TEXTS[kind] for kind in looks.TEXTS.get(key, ())), *map(_spelled, names)]


def _spelled(names: Callable[[Entry], Iterable[str | None]]) -> Told:
    """Of a name that has several lines each is a spelling: see `folding.fold`."""
    return lambda entry: (line for name in names(entry) if name for line in name.split("\n"))


def _within(query: Query) -> Match:
    def within(entry: Entry) -> bool:
        at = datetime.fromisoformat(entry.occurred_at)
        return (query.since is None or query.since <= at) and (query.until is None or at < query.until)

    return within


def _key(organization: Organization | None) -> str | None:
    return organization.id if organization else None
