"""Ours records every case exactly."""

from pathlib import Path

import pytest

from tests.capture_torture import ours
from tests.capture_torture.cases import of
from tests.capture_torture.judge import Verdict
from tests.capture_torture.model import Case, Engine
from tests.capture_torture.pending import PENDING
from tests.capture_torture.place import Place, measure


@pytest.fixture
def url(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return str(tmp_path / "app.db") if engine == "sqlite" else str(request.getfixturevalue("pg_url"))


@pytest.mark.parametrize(
    ("engine", "case"),
    [pytest.param(engine, case, id=f"{engine}: {case.id}") for engine in ours.ADAPTERS for case in of(engine)],
)
def test_it_is_recorded_exactly(engine: Engine, url: str, case: Case) -> None:
    measured = measure(Place.make(engine, url, case), ours.ADAPTERS[engine])
    assert (measured.verdict is Verdict.EXACTLY) is (case.id not in PENDING[engine]), measured
