"""The folder of blocks beside a log: a file for each of their sizes, one block behind the other in it.

Each process reads them through memory that all of them share. One writes: whoever holds the lock.
A block of the largest size counts from the moment that its header is there, which is written when all else is on the
disk; a file of smaller ones is replaced as a whole. A crash leaves what was there before, and bytes without a header;
the next block takes both into a new file without these.
"""

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from indelible.errors import LogError
from indelible.files import beside, sync
from indelible.index.block import Block, block_of
from indelible.index.image import START, measure


class _Mapped(NamedTuple):
    """A file as it was when it was last looked at. As long as it is mapped, no other one is given its number."""

    stamp: tuple[int, int, int]  # its number, bytes and time
    blocks: list[Block]
    end: int  # bytes of its blocks
    rest: memoryview  # what is behind them
    pieces: int  # in which it is mapped: each takes a descriptor

    @property
    def grown(self) -> bool:
        """A header may come within one tick of the clock."""
        return measure(self.rest) is not None


_NOTHING = _Mapped((0, 0, 0), [], 0, memoryview(b""), 0)
PIECES = 16  # of a file; then it is mapped as one again
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Folder:
    """Of one log, it is hoped: see `Blocks`. Those that are handed out stay readable, whatever becomes of the files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._mapped: dict[int, _Mapped] = {}

    def blocks(self, sizes: Sequence[int]) -> list[list[Block]]:
        """For each size, in entries, one behind the other, without a gap. What cannot be read is not there.

        Raises LogError where this process can open no more files: that does not make it an empty folder.
        """
        with self._lock:
            known = self._mapped
            self._mapped = {size: _look(self.path / str(size), size, known.get(size, _NOTHING)) for size in sizes}
            return [mapped.blocks for mapped in self._mapped.values()]

    @contextmanager
    def writing(self) -> Iterator["Writing | None"]:
        """None while another one writes. Raises LogError if the folder cannot be written."""
        with _errors(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                yield Writing(self.path) if _locked(descriptor) else None
            finally:
                os.close(descriptor)


class Writing:
    """What may be done under the lock. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, size: int, block: bytes, end: int) -> None:
        """`end`: bytes of the blocks of that size before it."""
        path = self._path / str(size)
        if path.exists() and path.stat().st_size > end:  # others may read what is behind it: it stays as it is
            self._renew(path, end)
        with _opened(path) as descriptor:
            _write(descriptor, block[START:], end + START)
            os.fsync(descriptor)
            _write(descriptor, block[:START], end)  # now it counts
            os.fsync(descriptor)
        sync(self._path)

    def _renew(self, path: Path, end: int) -> None:
        """Another file with the blocks before `end`, in the place of this one."""
        with beside(path) as made:
            with path.open("rb") as old, made.open("wb") as new:
                while (left := end - new.tell()) > 0 and (part := old.read(min(left, 2**20))):
                    new.write(part)
            sync(made)
            made.replace(path)

    def replace(self, size: int, blocks: bytes) -> None:
        """All of that size."""
        path = self._path / str(size)
        with beside(path) as made:
            made.write_bytes(blocks)
            sync(made)
            made.replace(path)
        sync(self._path)


def _look(path: Path, size: int, known: _Mapped) -> _Mapped:
    try:
        if _stamp(path.stat()) == known.stamp and not known.grown:
            return known
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            stamp = _stamp(status)
            if not _goes_on(stamp, known):
                known = _NOTHING
            return _read(stamp, size, known, _mapped(file.fileno(), known.end, status.st_size))
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise LogError(f"The search index in {path.parent} cannot be opened: {error.strerror}.") from error
    except ValueError:  # it became shorter meanwhile
        pass
    return _NOTHING


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _goes_on(stamp: tuple[int, int, int], known: _Mapped) -> bool:
    """Whether more was added to the blocks that are known of this file, and nothing else written, as a copy over it."""
    added = stamp[1] > known.stamp[1] or (stamp[1] == known.stamp[1] and known.grown)
    same = stamp[0] == known.stamp[0] and added and known.pieces < PIECES
    return same and all(block.unchanged for block in known.blocks[-1:])


def _mapped(descriptor: int, start: int, end: int) -> memoryview:
    """The bytes of a file from `start` on: memory begins at a page's."""
    page = start - start % mmap.ALLOCATIONGRANULARITY
    if start == end:
        return memoryview(b"")
    return memoryview(mmap.mmap(descriptor, end - page, prot=mmap.PROT_READ, offset=page))[start - page :]


def _read(stamp: tuple[int, int, int], size: int, known: _Mapped, data: memoryview) -> _Mapped:
    """With the blocks that are in `data`. Those that are known stay as they are, and so does what they have learnt."""
    blocks, end = list(known.blocks), 0
    while (length := measure(data[end:])) is not None:
        block = block_of(data[end : end + length])
        if block is None or block.size != size or block.first != (blocks[-1].stop if blocks else block.first):
            break
        blocks.append(block)
        end += length
    return _Mapped(stamp, blocks, known.end + end, data[end:], known.pieces + 1)


def _locked(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _write(descriptor: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LogError(f"The search index in {path} cannot be written: {error.strerror}. Look at the disk.") from error
