"""Fixtures of every room. What they give is real: a file, a key, a log."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import Server, new_folder
from tests.standby import Pair
from tests.world import World

settings.register_profile(
    "suite",
    deadline=None,  # the disk decides
    derandomize=True,  # a red build is red again
    # A world may serve all examples of a test: a log only grows, and each example looks at what it added.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Tests interrupt themselves and what they start. In the background of a shell that may be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`. A third of their time tests wait, for disks and other programs: one more than there are cores."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test verifies, and its keys, are kept in its own folder, by the programs that it starts too."""
    monkeypatch.setenv("INDELIBLE_MEMORY", str(tmp_path / "verified"))
    monkeypatch.setenv("INDELIBLE_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDELIBLE_INDEX", str(tmp_path / "index"))


@pytest.fixture
def file_world(tmp_path: Path) -> Iterator[World]:
    """With its log in a file."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(file_world: World) -> World:
    """Where a test is of the log, its module lets this be `either`."""
    return file_world


@pytest.fixture(params=["sqlite", "postgres"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a log that is to be made: a test that asks for it runs on every store."""
    return f"sqlite:///{tmp_path}/audit.db" if request.param == "sqlite" else str(request.getfixturevalue("pg_url"))


@pytest.fixture
def either(tmp_path: Path, log_url: str) -> Iterator[World]:
    """A world on every store."""
    made = World(tmp_path, log_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of a run that ask for it."""
    folder = new_folder()  # not pytest's: those are too long for a socket, and root's alone
    server = Server.start(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def pg_url(postgres: Server) -> Iterator[str]:
    """A new, empty database, gone afterwards."""
    url = postgres.database()
    yield url
    postgres.drop(url)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two servers of this test's own, gone afterwards."""
    made = Pair()
    yield made
    made.stop()
