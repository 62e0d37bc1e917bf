"""What is acknowledged is on the synchronous standby: whoever is killed, and whoever takes over."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from indelible.errors import LogError
from indelible.event import Event
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from tests.checking import check_signed
from tests.standby import Pair
from tests.store.test_log import happened

FAILOVERS = int(os.environ.get("INDELIBLE_FAILOVERS", "2"))
WRITERS = 4


@contextmanager
def log_of(pair: Pair) -> Iterator[Log]:
    with Log.create(pair.url, "audit.example/test") as log:
        try:
            yield log
        finally:
            pair.require(standby=False)  # whoever waits still, waits no more


def cancel_waiting(pair: Pair, how: str) -> None:
    """As a timeout or an administrator does to who waits for the standby."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with psycopg.connect(pair.primary.url(), autocommit=True) as db:
            found = db.execute(
                f"SELECT {how}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'".encode()
            ).fetchall()
        if found:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the standby")


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_who_is_told_to_stop_waiting_for_the_standby_acknowledges_nothing(pair: Pair, how: str) -> None:
    """PostgreSQL calls it a success, with a warning, which the role does not want to hear: it has committed here."""
    event, failed = happened(), list[Exception]()
    with psycopg.connect(pair.primary.url(), autocommit=True) as db:
        db.execute("ALTER ROLE postgres SET client_min_messages = 'error'")
    with log_of(pair) as log:
        log.append([happened()])
        pair.standby.stop()

        def append() -> None:
            try:
                log.append_once([event])
            except LogError as error:
                failed.append(error)

        for _ in range(2):  # the second time it is in the log already, and is acknowledged as little
            appending = threading.Thread(target=append)
            appending.start()
            cancel_waiting(pair, how)
            appending.join()
        assert len(failed) == 2
        assert all("standby" in str(error) or "lost at a commit" in str(error) for error in failed)
        signing = threading.Thread(target=lambda: suppress_errors(log))
        signing.start()
        cancel_waiting(pair, how)
        signing.join()
        assert log.signed_size() == 1  # what may be lost is not signed
        pair.standby.again()
        assert log.append_once([event])[0].seq == 1
        assert len(check_signed(log)) == 2


def suppress_errors(log: Log) -> None:
    with suppress(LogError):
        log.sign()


def test_a_role_that_does_not_wait_is_made_to(pair: Pair) -> None:
    for level in ("off", "local", "remote_write"):
        with psycopg.connect(pair.primary.url(), autocommit=True) as db:
            db.execute(f"ALTER ROLE postgres SET synchronous_commit = '{level}'".encode())
        with Log.open_or_create(pair.url) as log, log.appending() as appending:
            assert appending._db.execute("SHOW synchronous_commit").fetchall() == [("on",)]  # type: ignore[attr-defined]  # on a server it has one


class Load:
    """Writers that never stop: what is not acknowledged is sent again, with its id, until it is."""

    def __init__(self, log: Log) -> None:
        self.log, self.verifier = log, log.verifier
        self.acknowledged: dict[str, int] = {}
        self.notes: dict[int, str] = {}
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self) -> None:
        while not self.stopped.is_set():
            events = [happened() for _ in range(7)]
            while not self._sent(events):
                time.sleep(0.02)

    def _sent(self, events: list[Event]) -> bool:
        try:
            placed = self.log.append_once(events)
            note = self.log.checkpoint()
        except LogError:
            return False
        self.acknowledged |= {str(event.id): place.seq for event, place in zip(events, placed, strict=True)}
        if note is not None:
            self.notes[Checkpoint.open(note, self.verifier).size] = note
        return True

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def test_a_standby_that_takes_over_under_load_has_all_that_was_acknowledged(pair: Pair) -> None:
    """And what was signed is what the log goes on from: no checkpoint that ever left contradicts another."""
    dice = random.Random(FAILOVERS)  # noqa: S311 - moments, not secrets
    with Log.create(pair.url, "audit.example/test") as log:
        for _ in range(FAILOVERS):
            load = Load(log)
            time.sleep(dice.uniform(0.1, 1.0))
            pair.fail_over()
            time.sleep(dice.uniform(0.1, 0.5))
            load.stop()
            entries = check_signed(log)
            assert load.acknowledged
            assert {str(entry.id): entry.seq for entry in entries}.items() >= load.acknowledged.items()
            assert len(entries) == len({entry.id for entry in entries})
            for size, note in load.notes.items():
                assert log.tree(size).root == Checkpoint.open(note, log.verifier).root
            pair.rebuild()
