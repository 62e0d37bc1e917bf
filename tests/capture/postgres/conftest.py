"""A world on PostgreSQL for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.postgres.world import PostgresWorld


@pytest.fixture
def world(tmp_path: Path, pg_url: str) -> Iterator[PostgresWorld]:
    made = PostgresWorld(tmp_path, pg_url)
    yield made
    made.close()
