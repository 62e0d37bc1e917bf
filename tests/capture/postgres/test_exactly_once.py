"""Whoever is killed, and whatever moves in the outbox: each committed change is in the log once, in its order."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from indelible.capture.postgres import outbox as outbox_module
from indelible.capture.source import Batch
from indelible.errors import CaptureError
from indelible.sealer import Sealer
from tests.capture.postgres.world import PostgresWorld
from tests.capture.postgres.writers import SCHEMA, Writers, faults, prepare
from tests.checking import check, check_signed
from tests.test_killed import kill, start

T = "CREATE TABLE t (id integer PRIMARY KEY, x text)"
KILLS = 8


@pytest.fixture
def world(world: PostgresWorld) -> PostgresWorld:
    world.watch(T)
    return world


def insert(world: PostgresWorld, ids: range) -> None:
    for first in range(ids.start, ids.stop, 7):
        values = (first, min(first + 7, ids.stop) - 1)
        world.run("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(%s::int, %s::int) i", values)


def ids(world: PostgresWorld) -> list[int]:
    return [int(entry.entity.id) for entry in check(world.log)]


def test_a_sealer_killed_at_any_moment_loses_and_doubles_nothing(world: PostgresWorld) -> None:
    dice, done = random.Random(20261125), 0  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        process = start(world)
        end, begun = time.monotonic() + dice.uniform(0.001, 0.12), done
        while time.monotonic() < end or done == begun:
            insert(world, range(done, done + 21))
            done += 21
        kill(process)
        sealed = ids(world)
        assert sealed == list(range(len(sealed)))
        assert len(sealed) + world.waiting() >= done  # in the outbox, in the log, or for a moment in both
    world.sealed()
    assert ids(world) == list(range(done))


def test_two_sealers_at_once_lose_double_and_fork_nothing(world: PostgresWorld) -> None:
    processes = [start(world), start(world)]
    insert(world, range(1500))
    deadline = time.monotonic() + 20
    while world.waiting() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [process.poll() for process in processes] == [None, None]  # neither has given up
    for process in processes:
        kill(process)
    world.sealer.seal()
    check_signed(world.log)
    assert sorted(ids(world)) == list(range(1500))


def between_read_and_drop(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]) -> None:
    """`what` is done once in the next pass, after the first batch was signed."""
    drop, done = outbox_module.PostgresOutbox.drop, False

    def dropping(self: Any, batch: Batch) -> bool:
        nonlocal done
        if not done:
            done = True
            what()
        return drop(self, batch)

    monkeypatch.setattr(outbox_module.PostgresOutbox, "drop", dropping)


def end_ours(world: PostgresWorld) -> None:
    """Every connection of the sealer, as an administrator or a failover does."""
    world.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'indelible' AND datname = current_database()"
    )


def test_rows_that_vacuum_full_moved_are_not_dropped_for_others(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places that were read hold other rows by then; those are not dropped, and none is sealed twice."""
    monkeypatch.setattr(outbox_module, "BATCH", 20)
    insert(world, range(140))
    outbox = world.outbox()
    batch = next(iter(outbox.batches()))
    world.run("DELETE FROM indelible.outbox WHERE id = 1")  # so that each of the others moves up
    world.run("VACUUM FULL indelible.outbox")
    others = "SELECT id FROM indelible.outbox WHERE id <> ALL (%s) ORDER BY id"
    rows: list[Any] = batch.rows
    sealed = [id_ for _, id_ in rows]
    before = world.query(others, (sealed,))
    outbox.drop(batch)
    outbox.close()
    assert world.query(others, (sealed,)) == before
    assert len(before) == 17
    world.sealed()
    assert set(range(21, 140)) <= set(ids(world))


def test_a_vacuum_full_of_a_waiting_administrator_loses_nothing(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs the table alone: it waits until the pass has read all, and passes meanwhile wait for it in turn."""
    monkeypatch.setattr(outbox_module, "BATCH", 20)
    insert(world, range(140))
    with world.client() as other:
        thread = threading.Thread(target=other.execute, args=["VACUUM FULL indelible.outbox"])
        between_read_and_drop(monkeypatch, thread.start)
        deadline = time.monotonic() + 20
        while world.sealer.health()["pending"] and time.monotonic() < deadline:
            try:
                world.sealer.seal()
            except CaptureError:
                continue
        thread.join()
    world.sealed()
    assert ids(world) == list(range(140))


@pytest.mark.parametrize("batch", [20, 1000])
def test_a_connection_that_ends_between_reading_and_dropping_loses_nothing(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(outbox_module, "BATCH", batch)
    insert(world, range(140))
    between_read_and_drop(monkeypatch, lambda: end_ours(world))
    with pytest.raises(CaptureError, match="Records stay in it until it can"):
        world.sealer.seal()
    assert world.waiting() == 140
    world.sealed()
    assert ids(world) == list(range(140))


def test_a_connection_that_ends_mid_stream_loses_nothing(world: PostgresWorld) -> None:
    insert(world, range(140))
    outbox = world.outbox()
    outbox_module_batch = iter_batches(outbox, world)
    with pytest.raises(CaptureError, match="Records stay in it until it can"):
        list(outbox_module_batch)
    outbox.close()
    world.sealed()
    assert ids(world) == list(range(140))


def iter_batches(outbox: outbox_module.PostgresOutbox, world: PostgresWorld) -> Iterator[Batch]:
    """Of one record each; the connections end after the first."""
    rows = outbox._snapshot()
    yield Batch([], [next(rows).id])
    end_ours(world)
    yield from (Batch([], [row.id]) for row in rows)


def test_a_sealer_that_runs_survives_the_end_of_its_connections(world: PostgresWorld) -> None:
    sealer = Sealer(world.outbox(), world.log)
    sealer.start()
    for number in range(3):
        insert(world, range(number * 50, number * 50 + 50))
        end_ours(world)
    deadline = time.monotonic() + 30
    while world.waiting() and time.monotonic() < deadline:
        time.sleep(0.02)
    sealer.close()
    check_signed(world.log)
    assert ids(world) == list(range(150))


DEEP, DEEPER = (
    '{"action":"AUDIT_CAPTURE_STARTED","table":"t","changes":{"x":{"new":' + "[" * depth + "]" * depth + "}}}"
    for depth in (60, 5000)
)
FORGED = (
    "(1, 'create', NULL, NULL, 1, NULL, NULL)",
    "(1, 'create', NULL, NULL, 1, NULL, ARRAY[ARRAY['1']])",  # too few columns
    "(1, 'create', NULL, NULL, 1, NULL, ARRAY['1', 'x'])",  # a row, not rows
    "(1, 'create', NULL, NULL, 1, NULL, ARRAY[ARRAY['one', 'x']])",  # no integer
    "(1, 'create', NULL, NULL, 1, NULL, ARRAY[ARRAY[NULL, NULL]])",
    "(1, 'create', '[', '{', 1, NULL, ARRAY[ARRAY['3', 'x']])",
    "(1, 'update', NULL, NULL, 1, ARRAY[ARRAY['3', 'x']], NULL)",
    "(1, 'update', NULL, NULL, 2, ARRAY[ARRAY['3', 'x'], ARRAY['4', 'x']], ARRAY[ARRAY['3', 'y']])",
    "(1, 'no such', NULL, NULL, 1, NULL, ARRAY[ARRAY['3', 'x']])",
    "(1, 'note', NULL, NULL, 1, NULL, NULL)",
    "(1, 'note', NULL, NULL, 1, NULL, ARRAY[ARRAY['{}']])",
    f"(1, 'note', NULL, NULL, 1, NULL, ARRAY[ARRAY['{DEEP}']])",
    f"(1, 'note', NULL, NULL, 1, NULL, ARRAY[ARRAY['{DEEPER}']])",
    "(1, repeat('x', 100000), NULL, NULL, 1, NULL, NULL)",
)


@pytest.mark.parametrize("values", FORGED)
def test_a_row_that_the_owner_forged_never_stops_the_queue(world: PostgresWorld, values: str) -> None:
    """The owner of the outbox may write into it. What no trigger of ours writes is logged as it is, or as nothing."""
    world.run(f"INSERT INTO indelible.outbox (watch, operation, context, client, rows, old, new) VALUES {values}")
    insert(world, range(1, 2))
    entries = world.sealed()
    assert entries[-1].entity.id == "1"
    assert all(entry.actor.type == "unknown" for entry in entries)
    assert world.waiting() == 0


@pytest.mark.parametrize("at", ["infinity", "-infinity", "4713-01-01 BC", "294000-01-01"])
def test_a_forged_moment_never_stops_the_queue(world: PostgresWorld, at: str) -> None:
    values = "1, 'create', 1, ARRAY[ARRAY['3', 'x']]"
    world.run(f"INSERT INTO indelible.outbox (watch, operation, rows, new, at) VALUES ({values}, '{at}')")
    world.run(
        f"INSERT INTO indelible.outbox (id, watch, operation, rows, new) OVERRIDING SYSTEM VALUE VALUES (-7, {values})"
    )
    insert(world, range(1, 2))
    assert len(world.sealed()) == 3


@pytest.mark.parametrize("sql", ["UPDATE indelible.outbox SET rows = 0", "TRUNCATE indelible.outbox"])
def test_even_its_owner_changes_no_record(world: PostgresWorld, sql: str) -> None:
    insert(world, range(3))
    with pytest.raises(psycopg.errors.RaiseException, match="a captured record cannot be changed"):
        world.run(sql)
    assert len(world.sealed()) == 3


def test_writers_at_once_lose_double_and_reorder_nothing(world: PostgresWorld) -> None:
    world.watch(SCHEMA)
    prepare(world.db)
    writers = Writers(world.app_url, 64, seconds=3)
    writers.run(world.sealer.seal)
    assert writers.failures == []
    assert faults(world.sealed(), writers.committed) == []
    assert writers.committed.total() > 500
    assert world.differences() == []
