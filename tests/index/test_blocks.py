"""Blocks follow the log, and only it: killed, damaged, of another history or gone, a search finds the same."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indelible.errors import LogError, VerificationError
from indelible.event import Actor, Organization
from indelible.index import blocks, folder, image, same, sets
from indelible.index.blocks import Blocks
from indelible.index.indexer import Indexer
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import parse
from indelible.verify import verify_log
from tests.checking import indexed
from tests.store.test_log import happened
from tests.world import World

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIZES = (64, 32, 8)
BUILD = """
import sys
from indelible.index import blocks
from indelible.log import Log
blocks.SIZES = (64, 32, 8)
log = Log.open(sys.argv[1], sign=False)
print("ready", flush=True)
while True:
    while log.blocks.advance():
        pass
"""


@pytest.fixture
def world(either: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(blocks, "SIZES", SIZES)
    return either


def append(world: World, count: int) -> None:
    world.log.append(happened(actor=Actor(id=f"u{n % 5}")) for n in range(count))


def advance(log: Log) -> list[range]:
    indexed(log)
    return [block.entries for block in log.blocks.upto(log.head().size)]


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


def count(log: Log, text: str = "user:u3") -> int:
    return find(log, parse(text, NOW)).count


def test_blocks_reach_as_far_as_they_are_full(world: World) -> None:
    append(world, 7)
    assert advance(world.log) == []
    append(world, 10)
    assert advance(world.log) == [range(8), range(8, 16)]
    append(world, 60)
    assert advance(world.log) == [range(64), range(64, 72)]
    assert world.log.blocks.reach(77) == 72
    assert count(world.log) == sum(n % 5 == 3 for size in (7, 10, 60) for n in range(size))


def test_a_reader_that_was_there_before_sees_what_is_made_after(world: World) -> None:
    append(world, 20)
    with Log.open(world.log_url, sign=False) as reader:
        assert reader.blocks.upto(20) == []
        advance(world.log)
        assert reader.blocks.reach(20) == 16
        append(world, 60)
        advance(world.log)
        assert reader.blocks.reach(80) == 80


def test_what_a_block_has_learnt_stays_when_others_are_made(world: World) -> None:
    """Mapped from where the known ones end, which is within a page."""
    append(world, 64)
    before = advance(world.log) and world.log.blocks.upto(64)
    for size in (128, 192, 256):
        append(world, 64)
        advance(world.log)
        after = world.log.blocks.upto(size)
        assert [block.entries for block in after] == [range(n, n + 64) for n in range(0, size, 64)]
        assert all(known is block for known, block in zip(before, after, strict=False))
        assert count(world.log) == sum(n % 5 == 3 for n in range(64)) * size // 64
        before = after
    verify_log(world.log, world.log.verifier)


def test_an_index_that_is_copied_over_another_one_s_is_read_anew(world: World) -> None:
    """In place, under the eyes of who has it mapped: a backup of the log that is put back, say."""
    append(world, 130)
    advance(world.log)
    path = world.log.store.index_path / "64"
    older = path.read_bytes()
    append(world, 64)
    advance(world.log)
    assert world.log.blocks.reach(194) == 192
    newer = path.read_bytes()
    for damaged in (older[:100] + b"x" + older[101:], older):
        path.write_bytes(damaged)
        assert count(world.log) == 26 + 13
    assert [block.entries for block in world.log.blocks.upto(194)][:2] == [range(64), range(64, 128)]
    (*_, last) = world.log.blocks.upto(194)
    path.write_bytes(newer)
    assert world.log.blocks.reach(194) == 192
    path.write_bytes(newer[:-8] + bytes(8))  # as long as it was
    before = last
    (*_, last) = world.log.blocks.upto(194)
    assert last is not before
    start = len(newer) - last.length
    path.write_bytes(newer[:start] + bytes(8) + newer[start + 8 :] + bytes(8))  # longer, and its last block another one
    assert world.log.blocks.upto(194)[-1].stop != 192


def test_a_header_that_comes_within_a_tick_of_the_clock_is_seen(world: World) -> None:
    append(world, 192)
    advance(world.log)
    path = world.log.store.index_path / "64"
    whole, status = path.read_bytes(), path.stat()
    (first, *_) = world.log.blocks.upto(192)
    last = len(whole) - first.length * 2 > 0 and whole.rindex(whole[:8])
    for head in (bytes(8), whole[:8]):
        with path.open("r+b") as file:
            file.seek(last)
            file.write(head)
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        with Log.open(world.log_url, sign=False) as log:
            assert log.blocks.reach(192) == (128 if head == bytes(8) else 192)
            with path.open("r+b") as file:
                file.seek(last)
                file.write(whole[:8])
            os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
            assert log.blocks.reach(192) == 192


def test_a_reader_has_few_files_open_however_often_the_index_grows(world: World) -> None:
    append(world, 72)
    advance(world.log)
    assert count(world.log, "-user:u3") == 58
    before = opened_files()
    for _ in range(150):
        append(world, 24)
        advance(world.log)
        count(world.log, "-user:u3")
        assert opened_files() <= before + folder.PIECES + 4


def opened_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_where_no_more_files_can_be_opened_the_index_is_not_taken_for_empty(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(world, 130)
    advance(world.log)

    def exhausted(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(folder, "_mapped", exhausted)
        with Log.open(world.log_url, sign=False) as log:
            for use in (log.blocks.advance, lambda: log.blocks.upto(130)):
                with pytest.raises(LogError, match="cannot be opened: Too many open files"):
                    use()
    assert world.log.blocks.reach(130) == 128


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


@pytest.mark.parametrize("name", ["64", "32", "8"])
@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "gone", "first bytes"])
def test_a_damaged_file_is_made_again_and_nothing_is_lost_meanwhile(world: World, name: str, damage: str) -> None:
    append(world, 110)
    advance(world.log)
    path = world.log.store.index_path / name
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        broken = {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "noise": os.urandom(5000),
            "first bytes": b"\1" + data[1:],
        }
        path.write_bytes(broken[damage])
    assert count(world.log) == 22
    advance(world.log)
    assert world.log.blocks.reach(110) == 104
    assert count(world.log) == 22
    assert path.read_bytes()[: len(data)] == data


def test_a_block_that_hides_an_entry_is_found_by_verify(world: World) -> None:
    append(world, 90)
    advance(world.log)
    verify_log(world.log, world.log.verifier)
    (block, *_) = world.log.blocks.upto(90)
    path = world.log.store.index_path / "64"
    data = bytearray(path.read_bytes())
    at = data.index(bytes(block._section("actor.sets")))
    data[at] ^= 1
    path.write_bytes(data)
    with (
        Log.open(world.log_url, sign=False) as log,
        pytest.raises(VerificationError, match="entries 0 to 63") as caught,
    ):
        verify_log(log, log.verifier)
    assert caught.value.kind == "index"


@pytest.fixture
def deflated(file_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A log with a block in which a set is deflated: of the gram `e22` of every 50th entry."""
    monkeypatch.setattr(blocks, "SIZES", (4096,))
    file_world.log.append(happened(actor=Actor(id="u3"), changes=changed(n % 50)) for n in range(4096))
    advance(file_world.log)
    return file_world


def changed(number: int) -> dict[str, dict[str, str]]:
    return {"plan": {"old": "free", "new": f"value{number}"}}


def test_what_another_zlib_deflated_otherwise_is_the_same_block(
    deflated: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deflated.log.store.index_path / "4096"
    first = path.read_bytes()
    monkeypatch.setattr(sets, "LEVEL", 9)
    verify_log(deflated.log, deflated.log.verifier)
    path.unlink()
    advance(deflated.log)
    assert path.read_bytes() != first
    assert count(deflated.log, "new:value22") == 82


def test_a_deflated_set_that_is_damaged_ends_a_search_with_a_word_and_is_found_by_verify(deflated: World) -> None:
    path = deflated.log.store.index_path / "4096"
    data = path.read_bytes()
    for packed in map(bytes, same._sets(memoryview(data), "new")):
        if len(packed) % 2:
            data = data.replace(packed, b"\xff" * len(packed))
    path.write_bytes(data)
    with Log.open(deflated.log_url, sign=False) as log:
        with pytest.raises(LogError, match=r"The search index is damaged: .* Remove its folder"):
            count(log, "new:value22")
        with pytest.raises(VerificationError, match="entries 0 to 4095") as caught:
            verify_log(log, log.verifier)
    assert caught.value.kind == "index"


@pytest.mark.parametrize("section", [name for name in image.SECTIONS if "sets" not in name and name != "last"])
def test_whatever_is_tampered_with_in_a_block_is_found_by_verify(world: World, section: str) -> None:
    acme = Organization("acme", "Acme")
    world.log.append(happened(organization=acme, changes=changed(n % 2)) for n in range(64))
    advance(world.log)
    path = world.log.store.index_path / "64"
    data = bytearray(path.read_bytes())
    image.section(memoryview(data), section)[-1] ^= 0x80
    path.write_bytes(data)
    with Log.open(world.log_url, sign=False) as log, pytest.raises(VerificationError) as caught:
        verify_log(log, log.verifier)
    assert caught.value.kind == "index"


def test_an_index_without_its_first_block_is_none(world: World) -> None:
    append(world, 200)
    advance(world.log)
    (first, *_) = world.log.blocks.upto(200)
    path = world.log.store.index_path / "64"
    path.write_bytes(path.read_bytes()[first.length :])
    with Log.open(world.log_url, sign=False) as log:
        assert log.blocks.upto(200) == []
        assert count(log) == 40
        advance(log)
        assert log.blocks.reach(200) == 200
        assert count(log) == 40


def test_a_header_that_is_damaged_ends_no_search(world: World) -> None:
    append(world, 90)
    advance(world.log)
    path = world.log.store.index_path / "64"
    whole = path.read_bytes()
    for place in range(0, image.START, 8):
        for value in (0, 7, 2**62):
            path.write_bytes(whole[:place] + value.to_bytes(8, "little") + whole[place + 8 :])
            for text in ("user:u3", "new:x", "dana", "since:2026-11-19"):
                find(world.log, parse(text, NOW))
    path.write_bytes(b"")
    assert count(world.log) == 18


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
        while large.log.blocks.reach(large.log.head().size) < blocks.SIZES[0] + 8960:
            assert indexer.failure is None
            threading.Event().wait(0.02)
    assert [b.size for b in large.log.blocks.upto(2**40)] == [blocks.SIZES[0], 4096, 4096, 256, 256, 256]
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
