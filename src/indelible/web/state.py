"""What a page of the log shows is said by its address alone: a link to it is the search itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import quote_plus

from indelible.errors import QueryError
from indelible.event import Entity
from indelible.search.moment import WRITTEN, parse_moment
from indelible.search.query import MAX_QUERY, Query, parse, pieces, spell

MAX_DIGITS = 18  # of a sequence number: SQLite's integers have 63 bits
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class State:
    """The parameters of the address, as typed. `open` is the entry shown unfolded."""

    q: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    after: int | None = None
    open: int | None = None

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> "State":
        """Total: a number that is none counts as not given, and a line end, which no box can show, as a space."""
        texts = {name: _LINE_END.sub(" ", parameters.get(name, "")).strip() for name in ("q", "since", "until")}
        numbers = {name: number(parameters.get(name, "")) for name in ("before", "after", "open")}
        return cls(**texts, **numbers)  # type: ignore[arg-type]  # the fields are named above

    def link(self, **changes: object) -> str:
        """The query part of an address, `?` included; what is empty is left out."""
        given = self._written | {name: _written(name, value) for name, value in changes.items()}
        return f"?{'&'.join(filter(None, given.values())) or 'q='}"  # without any a page may be what is seen first

    @cached_property
    def _written(self) -> dict[str, str]:
        """A page has hundreds of links."""
        return {name: _written(name, getattr(self, name)) for name in ("q", "since", "until", "before", "after")}

    def search(self, **changes: object) -> str:
        """Likewise, from the first page on."""
        return self.link(before=None, after=None, **changes)

    def with_term(self, key: str, value: str, *, negated: bool = False) -> str:
        """The address of the search that has this term, too; "" where that is too long to be one.

        A search that cannot be read is given up.
        """
        term = spell(key, value, negated=negated)
        try:
            known = pieces(self.q)
        except QueryError:
            known = []
        narrowed = replace(self, q=" ".join([*known, *([] if term in known else [term])]))
        return narrowed.search() if narrowed.fits else ""

    @classmethod
    def of(cls, entity: Entity) -> "State":
        """All entries of one thing."""
        return cls(q=spell("entity", f"{entity.type}/{entity.id}"))

    @property
    def fits(self) -> bool:
        """An id may be as long as a query."""
        return len(self.q) <= MAX_QUERY

    @property
    def filtered(self) -> bool:
        return bool(self.q or self.since or self.until)


def _written(name: str, value: object) -> str:
    return "" if value in (None, "") else f"{name}={value if type(value) is int else quote_plus(str(value))}"


@dataclass(frozen=True)
class Problem:
    """What cannot be read: which field, why, and where in it."""

    field: str
    message: str
    text: str = ""
    pointer: str = ""  # the characters before the wrong one, as spaces


def understand(state: State, now: datetime) -> tuple[Query | None, list[Problem]]:
    """The query of the address, or every problem with it. A bad search never returns everything."""
    problems = []
    query: Query | None = None
    try:
        query = parse(state.q, now)
    except QueryError as error:
        problems.append(Problem("q", str(error.args[0]), *error.pointer()))
    moments = {}
    for name in ("since", "until"):
        text = getattr(state, name)
        moments[name] = parse_moment(text, now, end=name == "until") if text else None
        if text and moments[name] is None:
            problems.append(Problem(name, f"This is no date or time. Write {WRITTEN}."))
    if problems or query is None:
        return None, problems
    whole = query.within(moments["since"], moments["until"])
    if whole.since and whole.until and whole.since >= whole.until:
        return None, [Problem("until", "The range ends before it begins.")]
    return whole, []


def problems_of(state: State) -> dict[str, str]:
    """What cannot be read now, by its field."""
    return {each.field: each.message for each in understand(state, datetime.now(UTC))[1]}


def number(text: str) -> int | None:
    """A sequence number as it stands in an address; None for all else. Python refuses to read thousands of digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None
