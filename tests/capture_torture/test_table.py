"""The table in docs/capture.md says what was measured, of every case there is."""

from tests.capture_torture import ours
from tests.capture_torture.cases import of
from tests.capture_torture.judge import Verdict
from tests.capture_torture.model import BOTH
from tests.capture_torture.pending import PENDING
from tests.capture_torture.table import LIBRARIES, OURS, PAGE, parse, render, replaced, versions_of

TEXT = PAGE.read_text()
VERDICTS = parse(TEXT)
MEASURED = {
    library: [engine for engine in BOTH if (library, engine) != ("django-pghistory", "sqlite")]
    for library in LIBRARIES[1:]
} | {OURS: list(ours.ADAPTERS)}


def test_it_lists_every_case() -> None:
    assert VERDICTS.keys() == {(engine, case.id) for engine in BOTH for case in of(engine)}


def test_every_library_was_measured_in_every_case() -> None:
    for library, engines in MEASURED.items():
        told = {place for place, verdicts in VERDICTS.items() if verdicts.get(library) in set(Verdict)}
        assert told == {(engine, case.id) for engine in engines for case in of(engine)}, library


def test_ours_is_exactly_in_every_line() -> None:
    less = {place for place, told in VERDICTS.items() if told.get(OURS, Verdict.EXACTLY) != Verdict.EXACTLY}
    assert less == {(engine, case) for engine in ours.ADAPTERS for case in PENDING[engine]}


def test_it_is_what_the_command_writes() -> None:
    assert replaced(TEXT, render(VERDICTS, versions_of(TEXT))) == TEXT


def test_every_word_is_explained() -> None:
    assert [word for word in Verdict if f"\n| {word} |" not in TEXT] == []
