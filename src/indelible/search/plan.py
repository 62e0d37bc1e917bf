"""From a query to what is to be looked up: words that dictionaries know become numbers, others are texts."""

import re
from dataclasses import dataclass
from functools import cached_property

import msgspec

from indelible.event import Actor, micros
from indelible.log import Log
from indelible.search import looks
from indelible.search.match import Match, matching
from indelible.search.query import Query, Term, one
from indelible.store.folding import fits, longest
from indelible.store.promise import Among, Clause, Dimension, Wanted

_actor = msgspec.json.Decoder(Actor).decode
_ESCAPED = re.compile(r'[\x00-\x1f"\\\x7f]')  # what JSON may write in another way
_OTHERWISE = re.compile(rf"{_ESCAPED.pattern}|[. ]")  # and actions: by dots and spaces their underscores are found, too


@dataclass(frozen=True)
class Look:
    """One condition: a name of the entry is among these, or a text of one of these kinds fits.

    Such a text has `word` in it, case-folded; if that is not the `whole` condition, it fits the pattern.
    """

    names: tuple[Among, ...]
    texts: tuple[str, ...] = ()
    pattern: str = ""
    whole: bool = True
    negated: bool = False

    @cached_property
    def word(self) -> str:
        return self.pattern if self.whole else longest(self.pattern)

    def fits(self, text: str) -> bool:
        """Of a case-folded text."""
        return self.pattern in text if self.whole else fits(self.pattern, text)

    def ids(self, dimension: Dimension) -> frozenset[int]:
        """The names in one dictionary."""
        return frozenset().union(*(ids for each, ids in self.numbers if each == dimension))

    @cached_property
    def numbers(self) -> list[tuple[Dimension, frozenset[int]]]:
        return [(each.dimension, frozenset(each.ids)) for each in self.names if each.ids]


@dataclass(frozen=True)
class Plan:
    """All looks hold, within since <= time < until (microseconds). `match` tells of those with texts, by the line."""

    looks: tuple[Look, ...]
    since: int | None
    until: int | None
    match: Match

    @property
    def reads(self) -> bool:
        """Whether the dictionaries alone cannot tell."""
        return any(look.texts for look in self.looks)

    @cached_property
    def needles(self) -> tuple[bytes, ...]:
        """What the line of an entry that fits has in it, in small letters, if all of its characters are ASCII."""
        found = [look for look in self.looks if look.texts and not look.negated and look.word.isascii()]
        plain = [look.word for look in found if not (_OTHERWISE if look.names else _ESCAPED).search(look.word)]
        return tuple(map(str.encode, plain))

    @cached_property
    def wanted(self) -> Wanted:
        """As much of it as the dictionaries can tell."""
        clauses = [Clause(look.names, look.negated) for look in self.looks if not look.texts]
        return Wanted(clauses, self.since, self.until)


def plan(log: Log, query: Query, organization: str | None) -> Plan:
    """`organization` is the tenant the viewer is confined to; it stands before whatever they typed."""
    found = [_look(log, term) for term in query.terms]
    if organization is not None:
        theirs = Among("organization", log.store.keyed("organization", organization))
        found.insert(0, Look((theirs,)))
    since = None if query.since is None else micros(query.since)
    until = None if query.until is None else micros(query.until)
    read = tuple(term for term in query.terms if term.key in looks.TEXTS)  # all else is told without reading
    return Plan(tuple(found), since, until, matching(Query(read)))


def _user(log: Log, type_: str, key: str) -> list[int]:
    """Every way in which one user has looked."""
    known = log.store.named({"actor": log.spellings.having("actor", key.casefold())})["actor"]
    return [id_ for id_, name in known.items() if ((actor := _actor(name)).type, actor.id) == (type_, key)]


def _look(log: Log, term: Term) -> Look:
    """Where a term looks, and what fits it there."""
    if (meant := one(term)) is not None:
        found = (
            Among("entity", log.store.entity(*meant)) if term.key == "entity" else Among("actor", _user(log, *meant))
        )
        return Look((found,), negated=term.negated)
    text = term.value.casefold()
    pattern = "*" in text and not term.quoted
    look = log.spellings.fitting if pattern else log.spellings.having
    return Look(
        tuple(Among(dimension, look(dimension, text)) for dimension in looks.NAMES.get(term.key, ())),
        looks.TEXTS.get(term.key, ()),
        text,
        whole=not pattern,
        negated=term.negated,
    )
