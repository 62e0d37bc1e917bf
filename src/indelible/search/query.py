"""The query language, one parser for the search bar, the API, exports and the command line.

    dana                       any word: action, entity type, id or name, user's name or e-mail, old or new value
    "dana lee"                 a phrase; a quote in it is written twice
    action:LICENSE_*           * stands for anything
    entity:License             entity:License/lic_9 is one thing and nothing else
    user:dana@acme.test        user:user/u_42 is one user, by type and id; org:acme  operation:delete  source:sql
    field:plan                 a change of what is called so; old:free  new:pro  what it was, and became
    -user:system               not
    since:7d until:2026-11-01  see `search/moment.py`

Terms are joined by "and": OR, AND, NOT and groups are refused. What cannot be read is an error that points at it.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from indelible.errors import QueryError, UsageError
from indelible.event import ActorType, rfc3339
from indelible.search.hints import no_field, no_word
from indelible.search.moment import WRITTEN, parse_moment

KEYS = ("action", "entity", "user", "org", "operation", "source", "field", "old", "new", "since", "until")
USERS = get_args(ActorType)
ANY = "any"  # the key of a bare word
MAX_QUERY = 1000  # characters
MAX_TERMS = 32

_KEY = re.compile(r"([A-Za-z_]+):")
_PHRASE = re.compile(r'"((?:[^"]|"")*+)"')


@dataclass(frozen=True)
class Term:
    """One condition. `value` is as typed; `position` is where it starts in the query."""

    key: str
    value: str
    negated: bool = False
    position: int = 0
    quoted: bool = False
    exactly: tuple[str, str] | None = None  # the type and id that are meant: as they are typed, a slash ends the type


@dataclass(frozen=True)
class Query:
    """Terms joined by "and", within since <= time < until."""

    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def within(self, since: datetime | None, until: datetime | None) -> "Query":
        """Narrowed to a range beside the query's own: the later since, the earlier until."""
        sinces = [m for m in (self.since, since) if m]
        untils = [m for m in (self.until, until) if m]
        return replace(self, since=max(sinces, default=None), until=min(untils, default=None))


def asked(text: str, since: str, until: str, now: datetime, *, kept: bool = False) -> Query:
    """A query and a range beside it, as people type them. Raises QueryError, UsageError for what is no range.

    `kept`: see `parse`.
    """
    moments = {}
    for word, moment in (("since", since), ("until", until)):
        moments[word] = parse_moment(moment, now, end=word == "until") if moment else None
        if moment and moments[word] is None:
            raise UsageError(f"{moment[:60]!r} is no date or time. Write {WRITTEN}.")
    return forward(parse(text, now, kept=kept).within(moments["since"], moments["until"]))


def forward(query: Query) -> Query:
    """Raises UsageError for a range that ends before it begins: it would find nothing, whatever there is.

    Asked of what is typed now; of what was kept, as a webhook's filter, a `since:7d` moves on.
    """
    if query.since and query.until and query.since >= query.until:
        ends, begins = rfc3339(query.until), rfc3339(query.since)
        raise UsageError(
            f"The range begins at {begins} and ends at {ends}: nothing is between. Exchange since and until."
        )
    return query


def parse(text: str, now: datetime, *, kept: bool = False) -> Query:
    """Read a query; `now` is what `7d` counts from. Raises QueryError.

    `kept`: it was read before, by a version that may have refused less, and goes on as it was.
    """
    if len(text) > MAX_QUERY:
        raise QueryError(f"A query has up to {MAX_QUERY} characters; this one has {len(text)}.", text[:80], 80)
    for position, character in enumerate(text):
        if not character.isprintable() and not character.isspace() and unicodedata.category(character) != "Cf":
            raise QueryError("This character cannot be searched for.", re.sub(r"[^ -~]", "?", text), position)
    text = re.sub(r"\s", " ", text)
    query = Query()
    position = 0
    while (position := _skip_spaces(text, position)) < len(text):
        term, position = _term(text, position)
        if not kept:
            _refuse_operators(term, text)
        query = _with(query, term, text, now)
    return query


def pieces(text: str) -> list[str]:
    """The terms of a query that can be read, as they are written."""
    found, position = [], 0
    text = re.sub(r"\s", " ", text)
    while (position := _skip_spaces(text, position)) < len(text):
        _, end = _term(text, position)
        found.append(text[position:end])
        position = end
    return found


def spell(key: str, value: str, *, negated: bool = False) -> str:
    """A term that looks for exactly this text."""
    return f"{'-' * negated}{key}:{quoted(value)}"


def quoted(value: str) -> str:
    """As a term has it: in quotes where they are needed."""
    plain = value and not re.search(r'[\s"*]', value)
    return value if plain else '"' + value.replace('"', '""') + '"'


def one(term: Term) -> tuple[str, str] | None:
    """Type and id, of a term that means one thing, or one user, and nothing else."""
    if term.exactly is not None:
        return term.exactly
    type_, slash, key = term.value.partition("/")
    return (type_, key) if slash and (term.key == "entity" or (term.key == "user" and type_ in USERS)) else None


def _no_value(key: str, value: str) -> str:
    if value:
        return f"A star alone finds everything: leave {key}: out, or write a part of what you look for beside it."
    return f"{key}: needs a value."


def _with(query: Query, term: Term, text: str, now: datetime) -> Query:
    if term.key in ("since", "until"):
        if term.negated:
            raise QueryError(f"{term.key}: takes no minus; use the other one.", text, term.position)
        moment = parse_moment(term.value, now, end=term.key == "until")
        if moment is None:
            raise QueryError(f"{term.value[:60]!r} is no date or time. Write {WRITTEN}.", text, term.position)
        return query.within(moment, None) if term.key == "since" else query.within(None, moment)
    if len(query.terms) >= MAX_TERMS:
        raise QueryError(f"A query has up to {MAX_TERMS} terms.", text, term.position)
    return replace(query, terms=(*query.terms, term))


def _term(text: str, start: int) -> tuple[Term, int]:
    negated = text[start] == "-"
    position = start + negated
    if negated and (position == len(text) or text[position] == " "):
        raise QueryError("A minus stands right before what it excludes, as -user:system.", text, start)
    key = ANY
    if found := _KEY.match(text, position):
        key = found[1].lower()
        if key not in KEYS:
            raise QueryError(no_field(found[1], KEYS), text, position)
        position = found.end()
    quoted = text[position : position + 1] == '"'
    value, end = _quoted(text, position) if quoted else _word(text, position)
    if not value.strip("* "):
        raise QueryError(_no_value(key, value) if key != ANY else "There is nothing to search for here.", text, start)
    return Term(key, value, negated, start, quoted), end


def _refuse_operators(term: Term, text: str) -> None:
    if term.key == ANY and not term.quoted and (said := no_word(term.value)) is not None:
        raise QueryError(said[0], text, term.position + term.negated + said[1])


def _word(text: str, start: int) -> tuple[str, int]:
    end = text.find(" ", start)
    end = len(text) if end < 0 else end
    if '"' in text[start:end]:
        raise QueryError("A quote stands at the start of a phrase and at its end.", text, text.index('"', start))
    return text[start:end], end


def _quoted(text: str, start: int) -> tuple[str, int]:
    found = _PHRASE.match(text, start)
    if found is None:
        raise QueryError("This quote is not closed.", text, start)
    if text[found.end() : found.end() + 1] not in ("", " "):
        raise QueryError("A space is needed after a phrase.", text, found.end())
    return found[1].replace('""', '"'), found.end()


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position] == " ":
        position += 1
    return position
