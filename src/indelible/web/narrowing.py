"""Ways from what is shown to less of it: the terms of the query, and when it was. The most common names: `facets`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from indelible.event import EPOCH, micros
from indelible.search.counted import Counted
from indelible.search.overview import bars
from indelible.search.query import Query, pieces
from indelible.viewer import Viewer
from indelible.web.facets import LISTS, dimensions
from indelible.web.state import State

BARS = 60  # at most
FEWEST = 30  # where no range was chosen: a few would be as wide as the page
HEIGHT = 40  # of the highest bar
DAY = timedelta(days=1)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # of what is drawn
UNITS = [
    *(timedelta(minutes=n) for n in (1, 5, 15)), *(timedelta(hours=n) for n in (1, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 364, 3640)),
]  # fmt: skip


class Chip(NamedTuple):
    """A term of the query, and the address without it."""

    text: str
    without: str


class Bar(NamedTuple):
    """`link` narrows the range to it."""

    label: str
    entries: int
    height: int
    link: str


@dataclass(frozen=True)
class Narrowing:
    """`lists`: what there are lists of. `partly`: the bars begin where the count ended."""

    chips: list[Chip]
    lists: list[str]
    bars: list[Bar]
    first: str
    last: str
    partly: bool


def narrowing(*, state: State, query: Query, counted: Counted, viewer: Viewer, now: datetime) -> Narrowing:
    bounds = _bounds(query, counted, now)
    drawn = _bars(state, bounds, bars(counted, [micros(bound) for bound in bounds])) if bounds else []
    first, last = (bounds[0], bounds[-1]) if bounds else (now, now)
    lists = [LISTS[each] for each in dimensions(viewer)]
    return Narrowing(_chips(state), lists, drawn, _told(first), _told(last), not counted.exact)


def _chips(state: State) -> list[Chip]:
    terms = pieces(state.q)
    return [Chip(term, state.search(q=" ".join(terms[:at] + terms[at + 1 :]))) for at, term in enumerate(terms)]


def _bounds(query: Query, counted: Counted, now: datetime) -> list[datetime]:
    """Of bars as wide as a person would make them. Of what was not counted nothing is drawn."""
    spans = [span for part in counted.parts if (span := part.span()) is not None]
    if not spans:
        return []
    lowest, highest = (EPOCH + timedelta(microseconds=moment) for moment in _within(spans))
    low = max(lowest, query.since or lowest) if query.since is None or not counted.exact else query.since
    high = query.until or (highest if query.since is None else max(highest, now))
    low, high = max(low, EARLIEST), min(high, LATEST)
    if low > high:
        return []
    unit = next((unit for unit in UNITS if (high - low) / unit <= BARS - 1), (high - low) / (BARS - 1))
    first = EPOCH + (low - EPOCH) // unit * unit
    bounds = [first + unit * number for number in range((high - first) // unit + 2)]
    # The first and the last bar end with the range, if it was chosen.
    inside = [bound for bound in bounds if bound > low and (query.until is None or bound < high)]
    found = [low if query.since else first, *inside, *([high] if query.until else [])]
    missing = 0 if query.since else max(0, FEWEST + 1 - len(found))
    return [first - unit * number for number in range(missing, 0, -1)] + found


def _within(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _bars(state: State, bounds: Sequence[datetime], counts: Sequence[int]) -> list[Bar]:
    top = max(counts, default=0) or 1
    return [
        Bar(_label(low, high), count, -(-count * HEIGHT // top), state.search(**_range(low, high)))
        for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
    ]


def _range(low: datetime, high: datetime) -> dict[str, str]:
    """As a person would type it: the last day is a part of the range."""
    if (low - EPOCH) % DAY or (high - EPOCH) % DAY:
        return {"since": _exactly(low), "until": _exactly(high)}
    return {"since": f"{low:%Y-%m-%d}", "until": f"{high - DAY:%Y-%m-%d}"}


def _exactly(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _label(low: datetime, high: datetime) -> str:
    if (low - EPOCH) % DAY or (high - EPOCH) % DAY:
        return f"{low:%-d %b %Y, %H:%M} to {high:%H:%M}"
    return f"{low:%-d %b %Y}" if high - low == DAY else f"{low:%-d %b} to {high - DAY:%-d %b %Y}"


def _told(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment:%-d %b %Y}" if moment.time() == datetime.min.time() else f"{moment:%-d %b %Y, %H:%M}"
