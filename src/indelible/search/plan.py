"""From a query to what is wanted: text is resolved in the dictionaries, entries are found by numbers."""

from indelible.event import micros
from indelible.search.query import ANY, Query, Term
from indelible.store.promise import Among, Clause, Dimension, Store, Wanted

LOOKS_IN: dict[str, tuple[Dimension, ...]] = {
    ANY: ("action", "entity_type", "entity", "actor"),
    "action": ("action",),
    "entity": ("entity_type", "entity"),
    "user": ("actor",),
    "org": ("organization",),
    "operation": ("operation",),
    "source": ("source",),
}


def plan(store: Store, query: Query, organization: str | None) -> Wanted:
    """`organization` is the tenant the viewer is confined to; it stands before whatever they typed."""
    clauses = [Clause(_places(store, term), term.negated) for term in query.terms]
    if organization is not None:
        clauses.insert(0, Clause([Among("organization", store.keyed("organization", organization))]))
    since = None if query.since is None else micros(query.since)
    return Wanted(clauses, since, None if query.until is None else micros(query.until))


def _places(store: Store, term: Term) -> list[Among]:
    """Where a term looks, and what fits it there."""
    type_, slash, key = term.value.partition("/")
    if term.key == "entity" and slash:
        return [Among("entity", store.entity(type_, key))]
    text = term.value.casefold()
    look = store.having if "*" not in text or term.quoted else store.fitting
    return [Among(dimension, look(dimension, text)) for dimension in LOOKS_IN[term.key]]
