"""Whatever another client puts into the outbox is logged as it is, and never stops the queue."""

from typing import Any

import pytest

from tests.world import World

ROWS: dict[str, tuple[Any, ...]] = {
    "a table nobody watches": (99, "create", 2461000.5),
    "a watch that is text": ("x", "create", 2461000.5),
    "an unknown operation": (1, "explode", 2461000.5),
    "a time before the calendar": (1, "create", -1e300),
    "a time without end": (1, "create", 9e999),
    "a time that is text": (1, "create", "now"),
    "bytes for an operation": (1, b"\x00\xff", 2461000.5),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_forged_row_becomes_an_entry_that_says_so(world: World, name: str) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    forged = "INSERT INTO indelible_outbox (token, watch, operation, at, context) VALUES (7, ?, ?, ?, 'nobody')"
    world.run(forged, ROWS[name])
    world.run("INSERT INTO t VALUES (1, 'after')")
    world.sealer.health()
    damaged, after = world.sealed()
    assert (damaged.action, damaged.actor.type) == ("CAPTURE_DAMAGED", "unknown")
    assert damaged.changes["context"] == {"new": "nobody"}
    assert after.action == "T_CREATED"


def test_large_records_make_smaller_batches(world: World) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    for number in range(12):
        world.run("INSERT INTO t VALUES (?, ?)", (number, "x" * 4_000_000))
    assert len(world.sealed()) == 12
    assert world.sealer.seal() == 0


@pytest.mark.parametrize("token", ["CAST(x'ff' AS TEXT)", "'text'", "x'00ff'", "1.5", "-9223372036854775808"])
def test_a_forged_token_of_any_type_is_dropped_once_it_is_sealed(world: World, token: str) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    world.run("INSERT INTO t VALUES (1, 'before')")
    world.run(f"INSERT INTO indelible_outbox (token, watch, operation, at) VALUES ({token}, 1, 'create', 2461000.5)")
    assert len(world.sealed()) == 2
    assert world.waiting() == 0
