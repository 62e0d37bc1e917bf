"""The files of blocks as who searches has them mapped: they grow, are damaged, or others are put in their place."""

import errno
import os
from pathlib import Path

import pytest

from indelible.errors import LogError
from indelible.index import folder, image
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import parse
from indelible.verify import verify_log
from tests.index.conftest import NOW, advance, append, count
from tests.world import World


def test_what_a_block_has_learnt_stays_when_others_are_made(world: World) -> None:
    """Mapped from where the known ones end, which is within a page."""
    append(world, 64)
    advance(world.log)
    before = world.log.blocks.upto(64)
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
    (*_, last) = world.log.blocks.upto(192)
    whole, made = path.read_bytes(), path.stat().st_mtime_ns

    def head(begin: bytes) -> None:
        with path.open("r+b") as file:
            file.seek(len(whole) - last.length)
            file.write(begin)
        os.utime(path, ns=(made, made))

    head(bytes(8))
    with Log.open(world.log_url, sign=False) as log:
        assert log.blocks.reach(192) == 128
        head(whole[:8])
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
