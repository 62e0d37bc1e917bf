"""The table in docs/capture.md: written from verdicts, and read back."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.capture_torture.cases import ROOMS, of
from tests.capture_torture.judge import Verdict
from tests.capture_torture.model import BOTH

PAGE = Path(__file__).parent.parent.parent / "docs" / "capture.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
OURS = "Indelible"
LIBRARIES = (OURS, "django-auditlog", "django-simple-history", "django-pghistory", "SQLAlchemy-Continuum")
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
NOT_THERE = "–"  # the library does not work on the engine, or was not measured yet

# (engine, case): library: verdict
Verdicts = dict[tuple[str, str], dict[str, str]]


def render(verdicts: Verdicts, versions: str) -> str:
    return "\n".join([BEGIN, f"Measured with {versions}.", "", *_summary(verdicts), *_rooms(verdicts), END])


def _summary(verdicts: Verdicts) -> Iterator[str]:
    """Counts where something changed; what must leave no trace is counted only if it left one."""
    yield from _header("Engine", "Library", *Verdict)
    for engine in BOTH:
        changing = [case.id for case in of(engine) if case.expected]
        quiet = [case.id for case in of(engine) if not case.expected]
        for library in LIBRARIES:
            counts = Counter(verdicts[engine, case].get(library, NOT_THERE) for case in changing)
            counts[Verdict.PHANTOM] += sum(verdicts[engine, case].get(library) == Verdict.PHANTOM for case in quiet)
            if counts[NOT_THERE] != len(changing):
                yield _line(NAMES[engine], library, *(str(counts[verdict] or "") for verdict in Verdict))
    yield ""


def _rooms(verdicts: Verdicts) -> Iterator[str]:
    for title, room in ROOMS.items():
        yield from (f"### {title}", "")
        yield from _header("Case", "Engine", *LIBRARIES)
        for case in room.CASES:
            for engine in case.engines:
                told = verdicts[engine, case.id]
                name = case.id if case.expected else f"{case.id} °"
                yield _line(name, NAMES[engine], *(told.get(library, NOT_THERE) for library in LIBRARIES))
        yield ""


def _header(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield _line(*("---" for _ in names))


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def parse(page: str) -> Verdicts:
    engines = {name: engine for engine, name in NAMES.items()}
    found: Verdicts = {}
    for line in page[page.index(BEGIN) : page.index(END)].splitlines():
        cells = line.strip("| ").split(" | ")
        if len(cells) == len(LIBRARIES) + 2 and cells[1] in engines:
            told = dict(zip(LIBRARIES, cells[2:], strict=True))
            found[engines[cells[1]], cells[0].removesuffix(" °")] = {k: v for k, v in told.items() if v != NOT_THERE}
    return found


def versions_of(page: str) -> str:
    found = re.search(r"^Measured with (.*)\.$", page, re.MULTILINE)
    return found[1] if found else ""


def replaced(page: str, table: str) -> str:
    return page[: page.index(BEGIN)] + table + page[page.index(END) + len(END) :]


def empty() -> Verdicts:
    return {(engine, case.id): {} for engine in BOTH for case in of(engine)}
