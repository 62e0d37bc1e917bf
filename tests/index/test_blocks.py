"""Blocks follow the log, and only it: killed, damaged, of another history or gone, a search finds the same."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indelible.errors import LogError
from indelible.event import Actor
from indelible.index import blocks, folder
from indelible.index.blocks import Blocks
from indelible.index.indexer import Indexer
from indelible.log import Log
from indelible.verify import verify_log
from tests.index.conftest import SIZES, advance, append, count
from tests.store.test_log import happened
from tests.world import World

BUILD = """
import sys
from indelible.index import blocks
from indelible.log import Log
blocks.log = Log.open(sys.argv[1], sign=False)
print("ready", flush=True)
while True:
    while log.blocks.advance():
        pass
"""


@contextmanager
def indexing(world: World) -> Iterator[Indexer]:
    """The server's thread."""
    indexer = Indexer(world.log.blocks, world.log_url, every=0.01)
    indexer.start()
    try:
        yield indexer
    finally:
        indexer.stop()


def said(indexer: Indexer) -> str:
    while indexer.failure is None:
        threading.Event().wait(0.01)
    return indexer.failure


def test_blocks_reach_as_far_as_they_are_full(world: World) -> None:
    append(world, 7)
    assert advance(world.log) == []
    append(world, 10)
    assert advance(world.log) == [range(8), range(8, 16)]
    append(world, 60)
    assert advance(world.log) == [range(64), range(64, 72)]
    assert world.log.blocks.reach(77) == 72
    assert count(world.log) == sum(n % 5 == 3 for size in (7, 10, 60) for n in range(size))


def test_none_is_made_that_would_be_smaller_than_what_is_worth_while(world: World) -> None:
    append(world, 60)
    assert world.log.blocks.advance(32)
    assert not world.log.blocks.advance(32)
    assert [block.entries for block in world.log.blocks.upto(60)] == [range(32)]
    assert advance(world.log)[1:] == [range(n, n + 8) for n in (32, 40, 48)]


def test_a_reader_that_was_there_before_sees_what_is_made_after(world: World) -> None:
    append(world, 20)
    with Log.open(world.log_url, sign=False) as reader:
        assert reader.blocks.upto(20) == []
        advance(world.log)
        assert reader.blocks.reach(20) == 16
        append(world, 60)
        advance(world.log)
        assert reader.blocks.reach(80) == 80


def test_a_block_is_of_what_the_log_was_when_it_is_asked_about(world: World) -> None:
    append(world, 80)
    advance(world.log)
    assert [block.entries for block in world.log.blocks.upto(79)] == [range(64), range(64, 72)]
    assert world.log.blocks.upto(63) == []


def test_the_same_entries_make_the_same_block(world: World, tmp_path: Path) -> None:
    append(world, 150)
    advance(world.log)
    first = (world.log.store.index_path / "64").read_bytes()
    world.log.store.index_path.rename(tmp_path / "other")
    advance(world.log)
    assert (world.log.store.index_path / "64").read_bytes() == first


def test_the_blocks_of_another_log_are_not_this_one_s(file_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that was made anew, in the place of one that was indexed: its entries are found, by new blocks at last."""
    world = file_world
    monkeypatch.setattr(blocks, "SIZES", SIZES)
    append(world, 200)
    advance(world.log)
    world.log.close()
    for path in world.folder.glob("audit.db*"):
        if path.is_file():
            path.unlink()
    world.log = Log.create(world.log_url, "audit.example/test")
    world.log.append(happened(actor=Actor(id="new")) for _ in range(90))
    assert world.log.blocks.upto(90) == []
    assert (count(world.log, "user:new"), count(world.log)) == (90, 0)
    assert advance(world.log) == [range(64), *(range(n, n + 8) for n in (64, 72, 80))]
    assert (count(world.log, "user:new"), count(world.log)) == (90, 0)


def test_of_two_that_make_blocks_one_does(world: World) -> None:
    append(world, 300)
    with Log.open(world.log_url, sign=False) as other:
        threads = [threading.Thread(target=advance, args=(log,)) for log in (world.log, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        advance(world.log)
        assert advance(other)[-1] == range(288, 296)
        verify_log(other, other.verifier)


def test_while_another_one_writes_nothing_is_made(world: World) -> None:
    append(world, 90)
    with folder.Folder(world.log.store.index_path).writing() as writing:
        assert writing is not None
        assert not Blocks(world.log.store).advance()


def test_killed_at_any_moment_it_goes_on_where_it_was(world: World) -> None:
    for round_ in range(6):
        append(world, 150)
        process = subprocess.Popen([sys.executable, "-c", BUILD, world.log_url], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        threading.Event().wait(0.004 * round_)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert count(world.log) == 30 * (round_ + 1)
    advance(world.log)
    assert world.log.blocks.reach(900) == 896
    verify_log(world.log, world.log.verifier)
    assert count(world.log) == 180


@pytest.fixture
def unwritable(world: World) -> Iterator[Path]:
    yield from in_the_way(world)


@pytest.fixture
def unwritable_index(large: World) -> Iterator[Path]:
    yield from in_the_way(large)


def in_the_way(world: World) -> Iterator[Path]:
    path = world.log.store.index_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a file, where a folder is needed")
    yield path
    path.unlink()


def test_where_nothing_can_be_written_all_is_found_and_the_health_tells(world: World, unwritable: Path) -> None:
    append(world, 60)
    with pytest.raises(LogError, match=r"The search index in .* cannot be written"):
        world.log.blocks.advance()
    assert count(world.log) == 12
    with indexing(world) as indexer:
        assert str(unwritable) in said(indexer)


def test_the_server_s_thread_keeps_up(world: World) -> None:
    with indexing(world) as indexer:
        for size in (20, 40, 60):
            append(world, 20)
            while world.log.blocks.reach(size) < size - size % 8:
                threading.Event().wait(0.01)
    assert indexer.failure is None


@pytest.fixture
def large(either: World) -> World:
    """With enough for a block as they are."""
    either.log.append(happened(actor=Actor(id=f"u{n % 5}")) for n in range(blocks.SIZES[0] + 9000))
    return either


def test_large_blocks_are_made_by_another_process_and_small_ones_here(large: World) -> None:
    with indexing(large) as indexer:
        while large.log.blocks.reach(large.log.head().size) < blocks.SIZES[0] + 8992:
            assert indexer.failure is None
            threading.Event().wait(0.02)
    assert [b.size for b in large.log.blocks.upto(2**40)] == [blocks.SIZES[0], *[4096] * 2, *[256] * 3, *[16] * 2]
    assert count(large.log) == (blocks.SIZES[0] + 9000) // 5


def test_what_the_other_process_fails_at_is_told(large: World, unwritable_index: Path) -> None:
    with indexing(large) as indexer:
        assert str(unwritable_index) in said(indexer)


def test_stopping_does_not_wait_for_the_other_process(large: World) -> None:
    with indexing(large) as indexer:
        threading.Event().wait(0.3)
        start = time.monotonic()
    assert time.monotonic() - start < 5
    assert indexer.failure is None
