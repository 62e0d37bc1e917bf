"""Who follows a log on PostgreSQL is told at once of what other processes sign, whatever becomes of the connection."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from indelible.log import Log
from indelible.store.postgres import listening
from tests.store.test_log import happened
from tests.store.test_postgres_lost import end_all


@contextmanager
def following(log: Log) -> Iterator[threading.Event]:
    """Set each time that it is told."""
    told = threading.Event()
    with log.followed(told.set):
        yield told


def test_what_another_process_signs_is_told_and_after_a_lost_connection_told_again(
    pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PAUSE", 0.05)
    with Log.create(pg_url) as here, Log.open(pg_url) as there, following(here) as told:
        assert told.wait(20)  # it listens
        for _ in range(3):
            told.clear()
            there.append([happened()])
            assert told.wait(20)
            told.clear()
            end_all(pg_url)
            assert told.wait(20)  # it listens again, and may have missed something


def test_a_log_tells_of_itself_alone_and_not_after_its_end(pg_url: str) -> None:
    with Log.create(pg_url) as here, Log.create(f"{pg_url}&log=other") as other, following(here) as told:
        assert told.wait(20)
        told.clear()
        other.append([happened()])
        assert not told.wait(0.5)
        here.append([happened()])
        assert told.wait(20)
    told.clear()
    assert not [each for each in threading.enumerate() if each.name == "indelible-listener"]
