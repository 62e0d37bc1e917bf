"""Ours records every case exactly."""

from pathlib import Path

import pytest

from tests.capture_torture.cases import of
from tests.capture_torture.judge import Verdict
from tests.capture_torture.model import Case
from tests.capture_torture import ours
from tests.capture_torture.pending import PENDING
from tests.capture_torture.place import Place, measure


@pytest.mark.parametrize("case", of("sqlite"), ids=lambda case: case.id)
def test_on_sqlite_it_is_recorded_exactly(tmp_path: Path, case: Case) -> None:
    measured = measure(Place.make("sqlite", str(tmp_path / "app.db"), case), ours.ADAPTERS["sqlite"])
    assert (measured.verdict is Verdict.EXACTLY) is (case.id not in PENDING["sqlite"]), measured
