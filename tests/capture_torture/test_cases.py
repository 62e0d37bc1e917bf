"""The cases themselves hold: on a plain database, the expected changes are what happened."""

from pathlib import Path

import pytest

from tests.capture_torture import engines
from tests.capture_torture.cases import CASES, of
from tests.capture_torture.model import Case
from tests.capture_torture.place import Place


def hold(place: Place) -> None:
    place.set_up()
    before = place.held()
    with place.writer() as db:
        place.run(db, place.case.run)
    wanted = engines.replay(before, place.case.expected, place.tables, place.engine)
    after = place.held()
    assert engines.same_rows(after, wanted), (after, wanted)


@pytest.mark.parametrize("case", of("sqlite"), ids=lambda case: case.id)
def test_on_sqlite_the_expected_changes_are_what_happened(tmp_path: Path, case: Case) -> None:
    hold(Place.make("sqlite", str(tmp_path / "app.db"), case))


@pytest.mark.parametrize("case", of("postgres"), ids=lambda case: case.id)
def test_on_postgresql_the_expected_changes_are_what_happened(pg_url: str, case: Case) -> None:
    hold(Place.make("postgres", pg_url, case))


def test_each_case_has_a_name_and_a_promise_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert [case.id for case in CASES if not case.promise.endswith(".")] == []
