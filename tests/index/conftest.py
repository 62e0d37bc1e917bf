"""A log in blocks that are so small that a few entries fill them."""

from datetime import UTC, datetime

import pytest

from indelible.event import Actor
from indelible.index import blocks
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import parse
from tests.checking import indexed
from tests.store.test_log import happened
from tests.world import World

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIZES = (64, 32, 8)


@pytest.fixture
def world(either: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(blocks, "SIZES", SIZES)
    return either


def append(world: World, count: int) -> None:
    world.log.append(happened(actor=Actor(id=f"u{n % 5}")) for n in range(count))


def advance(log: Log) -> list[range]:
    indexed(log)
    return [block.entries for block in log.blocks.upto(log.head().size)]


def count(log: Log, text: str = "user:u3") -> int:
    return find(log, parse(text, NOW)).count
