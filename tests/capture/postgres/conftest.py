"""A world on PostgreSQL for each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indelible.integrations.psycopg import attach
from tests.capture.postgres.world import PostgresWorld


@pytest.fixture
def world(tmp_path: Path, pg_url: str) -> Iterator[PostgresWorld]:
    made = PostgresWorld(tmp_path, pg_url)
    yield made
    made.close()


@pytest.fixture
def db(world: PostgresWorld) -> Iterator[psycopg.Connection[Any]]:
    """An application's connection, attached; not in autocommit."""
    with psycopg.connect(world.app_url) as connection:
        attach(connection)
        yield connection
