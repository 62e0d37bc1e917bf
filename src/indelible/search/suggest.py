"""How a query that is being typed may go on: keys, and what the newest entries have, most of it first."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from indelible.errors import QueryError, SlowSearchError
from indelible.event import read
from indelible.index.texts import TEXTS
from indelible.log import Log
from indelible.search import looks
from indelible.search.hits import Hits
from indelible.search.overview import Facet, facets
from indelible.search.query import ANY, KEYS, Query, pieces, spell
from indelible.search.wall import own
from indelible.store.promise import Dimension

SHOWN = 12
SECONDS = 1.0  # that are looked for them
READ = 500  # entries, for fields and values
NAMES = 2000  # of a dictionary
LONGEST = 80  # characters of a value that is offered
MOMENTS = ("today", "yesterday", "24h", "7d", "30d", "90d")


class Suggestion(NamedTuple):
    """The whole query, and how many of the entries looked at have what was added; None: it is a key, or a moment."""

    query: str
    entries: int | None


def suggest(log: Log, text: str, organization: str | None) -> list[Suggestion]:
    """Of an organization's viewer only what its own entries have."""
    start = text.rfind(" ") + 1
    before, sign, typed = text[:start], "-" * text[start:].startswith("-"), text[start:].removeprefix("-")
    try:
        pieces(before)
    except QueryError:  # within a phrase, or behind what cannot be read
        return []
    key, colon, value = typed.partition(":")
    found: Iterable[tuple[str, int | None]]
    if colon and key.lower() in KEYS:
        found = _values(log, key.lower(), value, organization)
    elif typed and not colon:
        found = [
            *((f"{name}:", None) for name in KEYS if name.startswith(typed.lower())),
            *_any(log, typed, organization),
        ]
    else:
        return []
    try:
        return [Suggestion(f"{before}{sign}{term}", count) for term, count in islice(found, SHOWN)]
    except SlowSearchError:
        return []


def _values(log: Log, key: str, value: str, organization: str | None) -> Iterator[tuple[str, int | None]]:
    if key in ("since", "until"):
        yield from ((f"{key}:{moment}", None) for moment in MOMENTS if moment.startswith(value))
    elif key in looks.NAMES:
        yield from _named(log, key, value, organization)
    else:
        yield from _read(log, key, value, organization)


def _any(log: Log, typed: str, organization: str | None) -> Iterator[tuple[str, int | None]]:
    found = [
        (term, count) for key in ("action", "user", "entity") for term, count in _named(log, key, typed, organization)
    ]
    yield from sorted(found, key=lambda each: -each[1])


def _named(log: Log, key: str, value: str, organization: str | None) -> Iterator[tuple[str, int]]:
    """Names in dictionaries."""
    for dimension, name in names_of(log, key, organization):
        if value.casefold() in f"{name.value}\n{name.label}".casefold():
            yield spell(looks.KEYS[dimension], name.value), name.entries


def names_of(log: Log, key: str, organization: str | None) -> list[tuple[Dimension, Facet]]:
    """The names that a key finds, of the newest entries that this viewer may see."""
    if organization is not None and key == "org":
        return []
    told = facets(log, Hits(log, Query(), organization).counted(), looks.NAMES[key], NAMES)
    return [(dimension, name) for dimension, names in told.names.items() for name in names]


def _read(log: Log, key: str, value: str, organization: str | None) -> Iterator[tuple[str, int]]:
    """Fields and values stand in lines."""
    hits = Hits(log, Query(), organization, seconds=SECONDS)
    lines = own(log, list(islice(hits.falling(range(hits.size)), READ)), organization)
    texts = [TEXTS[kind] for kind in looks.TEXTS.get(key, looks.TEXTS[ANY])]
    counts = Counter(
        text
        for entry in map(read, lines)
        for text in {text for each in texts for text in each(entry) if len(text) <= LONGEST}
    )
    for text, count in counts.most_common():
        if value.casefold() in text.casefold():
            yield spell(key, text), count
