"""kill -9 at any moment, and two sealers at once: nothing is lost, nothing is doubled, nothing forks."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indelible.log import Log
from tests.capture.postgres.world import PostgresWorld
from tests.checking import check, check_signed
from tests.world import World

KILLS = 15  # of a round
ROUNDS = range(int(os.environ.get("INDELIBLE_ROUNDS", "1")))  # of each arrangement


@pytest.fixture(params=["in two files", "in a file and on a server", "in one database"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World | PostgresWorld]:
    """The application's tables and its log; a table `t` is watched."""
    made: World | PostgresWorld
    if request.param == "in two files":
        made = World(tmp_path)
    else:
        url: str = request.getfixturevalue("pg_url")
        made = World(tmp_path, url) if "file" in request.param else PostgresWorld(tmp_path, url, url)
    if isinstance(made, World):
        made.db.execute("PRAGMA journal_mode = wal")
    made.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
    yield made
    made.close()


def start(world: World | PostgresWorld) -> subprocess.Popen[bytes]:
    """A sealer that loops, and has begun to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sealing", world.app_url, world.log_url], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def insert(world: World | PostgresWorld, ids: range) -> None:
    """In transactions of seven."""
    for first in range(ids.start, ids.stop, 7):
        rows = [(id_, "x" * 300) for id_ in range(first, min(first + 7, ids.stop))]
        if isinstance(world, World):
            with world.db:
                world.db.executemany("INSERT INTO t VALUES (?, ?)", rows)
        else:
            with world.db.transaction(), world.db.cursor() as cursor:
                cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_sealer_killed_at_any_moment_loses_and_doubles_nothing(world: World | PostgresWorld, round_: int) -> None:
    dice, done = random.Random(20261120 + round_), 0  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        process = start(world)
        end, begun = time.monotonic() + dice.uniform(0.001, 0.12), done
        while time.monotonic() < end or done == begun:
            insert(world, range(done, done + 21))
            done += 21
        kill(process)
        entries = check(world.log)
        assert [int(entry.entity.id) for entry in entries] == list(range(len(entries)))
        assert len(entries) + world.waiting() >= done  # in the outbox, in the log, or for a moment in both
    entries = world.sealed()
    assert [int(entry.entity.id) for entry in entries] == list(range(done))


def test_two_sealers_at_once_lose_double_and_fork_nothing(world: World | PostgresWorld) -> None:
    processes = [start(world), start(world)]
    insert(world, range(1500))
    deadline = time.monotonic() + 20
    while world.waiting() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [process.poll() for process in processes] == [None, None]  # neither has given up
    for process in processes:
        kill(process)
    world.sealer.seal()
    entries = check_signed(world.log)
    assert sorted(int(entry.entity.id) for entry in entries) == list(range(1500))


def test_a_killed_sealer_leaves_no_lock_behind(world: World | PostgresWorld) -> None:
    kill(start(world))
    insert(world, range(3))
    assert len(world.sealed()) == 3
    with Log.open(world.log_url) as again:
        again.sign()
