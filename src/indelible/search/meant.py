"""What a search that found nothing may have meant: names that there are, in the place of those that nothing has."""

import re
import time
from datetime import datetime
from difflib import get_close_matches

from indelible.errors import QueryError, SlowSearchError
from indelible.log import Log
from indelible.search import looks
from indelible.search.page import find
from indelible.search.query import ANY, Query, Term, parse, pieces, quoted, spell
from indelible.search.suggest import names_of

ALIKE = 0.7  # of `difflib`: PERSON_CREATD and PERSON_CREATED have 0.96
SECONDS = 1.0  # that are looked for it
_WORDS = re.compile(r"[\W_]+")


def meant(log: Log, text: str, organization: str | None, now: datetime) -> str | None:
    """The query with names of the newest entries; of an organization's viewer only of its own.

    None if none is near, or nothing is found by that either.
    """
    typed, until = pieces(text), time.monotonic() + SECONDS
    try:
        told = [_near(log, piece, organization, now, until) or piece for piece in typed]
        meant = " ".join(told)
        return meant if told != typed and _finds(log, parse(meant, now), organization, until) else None
    except (SlowSearchError, QueryError):  # a name may have in it what cannot be typed
        return None


def _near(log: Log, piece: str, organization: str | None, now: datetime, until: float) -> str | None:
    """Of a term that finds nothing, also alone, the nearest one that does."""
    terms = parse(piece, now).terms
    if not terms or terms[0].negated or terms[0].key not in looks.NAMES:
        return None
    (term,) = terms
    if _finds(log, Query(terms), organization, until):
        return None
    names = _names(log, term, organization)
    close = get_close_matches(term.value.casefold(), names, 1, ALIKE)
    if not close:
        return None
    return quoted(names[close[0]]) if term.key == ANY else spell(term.key, names[close[0]])


def _finds(log: Log, query: Query, organization: str | None, until: float) -> bool:
    return find(log, query, organization=organization, limit=1, seconds=until - time.monotonic()).count > 0


def _names(log: Log, term: Term, organization: str | None) -> dict[str, str]:
    """Whole names and the words in them, by how they are compared."""
    keys = ("entity", "user", "action") if term.key == ANY else (term.key,)
    facets = [facet for key in keys for _, facet in names_of(log, key, organization)]
    whole = [name for facet in facets for name in (facet.label, facet.value)]
    words = [word for name in whole for word in _WORDS.split(name) if len(word) > 1]
    return {name.casefold(): name for name in reversed([*whole, *words])}  # of two spellings the first
