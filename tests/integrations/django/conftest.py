"""The project, on SQLite and on PostgreSQL; each test has a migrated database and a log of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.django.site import Site, Templates
from tests.postgres import Server


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Migrated once for each engine."""
    return Templates(tmp_path_factory.mktemp("django"))


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[Site]:
    postgres: Server | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    made = Site(templates, tmp_path, postgres)
    yield made
    made.close()


@pytest.fixture
def sqlite_site(templates: Templates, tmp_path: Path) -> Iterator[Site]:
    made = Site(templates, tmp_path, None)
    yield made
    made.close()


@pytest.fixture
def postgres_site(templates: Templates, tmp_path: Path, postgres: Server) -> Iterator[Site]:
    made = Site(templates, tmp_path, postgres)
    yield made
    made.close()
