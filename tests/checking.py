"""The one helper that says whether a log is sound. It is used after every step of a test that may break one."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from indelible.errors import LogError
from indelible.event import Entry, read
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.store.sqlite.store import SQLiteStore
from indelible.verify import verify_log


def on_sqlite(log: Log) -> SQLiteStore:
    """The store of a log that is a file, for a look or an attack past the promise."""
    assert isinstance(log.store, SQLiteStore)
    return log.store


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word: slow and obvious, so that the real tree has something to agree with."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1  # "the largest power of two smaller than n"
    while k * 2 < n:
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def check(log: Log) -> list[Entry]:
    """Verify the log, and every leaf once more without the product's tree; gives the entries."""
    report = verify_log(log, log.verifier)
    lines = [line for _, _, line in log.leaves(0, 2**62)]
    entries = [read(line) for line in lines]
    assert [entry.seq for entry in entries] == list(range(len(entries)))
    assert len({entry.id for entry in entries}) == len(entries)
    assert (report.size, report.root) == (len(lines), mth(lines))
    note = log.checkpoint()
    if note is not None:
        signed = Checkpoint.open(note, log.verifier)
        assert signed.root == mth(lines[: signed.size])
    return entries


def check_signed(log: Log) -> list[Entry]:
    """`check`, and everything is signed: what holds after each pass that ended well."""
    entries = check(log)
    assert log.signed_size() == len(entries)
    return entries


def indexed(log: Log) -> None:
    """All that is enough for blocks is in them."""
    while log.blocks.advance():
        pass


@contextmanager
def refusing(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Meanwhile nothing can be appended, as where the disk is full."""

    def refused(*_: object) -> None:
        raise LogError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(log, "appending", refused)
        yield
