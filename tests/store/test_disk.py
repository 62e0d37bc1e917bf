"""Each write of SQLite's that fails, and each that fails but is done; a disk that is full: nothing is half-done."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from indelible.errors import Error
from indelible.event import Event
from indelible.log import Log
from tests.checking import check, check_signed
from tests.store.faulty import Faults, faulty
from tests.store.test_log import happened

BATCHES = 3


@pytest.fixture
def faults() -> Iterator[Faults]:
    with faulty() as made:
        yield made


def batches() -> list[list[Event]]:
    return [[happened(), happened(changes={"x": {"new": "a" * 20_000}}), happened()] for _ in range(BATCHES)]


def run(url: str, faults: Faults) -> None:
    """Append batches while a write fails; whatever an append says is true, and the log goes on where the disk does."""
    said: list[list[Event]] = []
    faults.count = 0
    with Log.open(url) as log:
        before = log.head().size
        for events in batches():
            try:
                log.append(events)
            except Error:
                known = {log_knows(log, event) for event in events}
                assert len(known) == 1, "half of a batch is in the log"
                if known == {True}:
                    said.append(events)
            else:
                said.append(events)
    faults.at = None
    with Log.open(url) as log:
        log.sign()
        entries = check_signed(log)
        assert len(entries) == before + sum(map(len, said))
        assert [entry.id for entry in entries[before:]] == [event.id for events in said for event in events]
        log.append([happened()])
        check_signed(log)


def log_knows(log: Log, event: Event) -> bool:
    """While the disk still fails nothing may be read; what is there is asked on a connection of its own."""
    with Log.open(f"sqlite:///{log.store}", sign=False) as other:
        return other.knows(event.id, 2**62)


@pytest.mark.parametrize("kind", [apsw.IOError, apsw.FullError])
@pytest.mark.parametrize("done", [False, True], ids=["fails", "fails but is done"])
def test_each_write_that_fails_loses_doubles_and_halves_nothing(
    tmp_path: Path, faults: Faults, kind: type[apsw.Error], *, done: bool
) -> None:
    (tmp_path / "new").mkdir()
    Log.create(f"sqlite:///{tmp_path}/new/audit.db", "audit.example/test").close()
    run(copied(tmp_path, 0), faults)
    operations = faults.count
    assert operations > 30
    faults.kind, faults.done = kind, done
    for at in range(1, operations + 1):
        faults.at = at
        run(copied(tmp_path, at), faults)


def copied(folder: Path, number: int) -> str:
    """A new log, as it was made."""
    shutil.copytree(folder / "new", folder / f"{number}")
    return f"sqlite:///{folder}/{number}/audit.db"


def test_a_disk_that_is_full_refuses_and_goes_on_when_there_is_room(tmp_path: Path, faults: Faults) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    Log.create(url, "audit.example/test").close()
    faults.kind, faults.lasting = apsw.FullError, True
    for at in range(1, 40):
        faults.at, faults.count = at, 0
        with Log.open(url) as log:
            size = log.head().size
            with pytest.raises(Error):
                append_all(log)
            faults.at = None
            log.append([happened()])  # the same process, the same connection
            check_signed(log)
            assert (log.head().size - size) % 3 == 1


def append_all(log: Log) -> None:
    for events in batches():
        log.append(events)


def test_a_log_that_cannot_be_made_is_not_there(tmp_path: Path, faults: Faults) -> None:
    for at in range(1, 60):
        path = tmp_path / f"{at}.db"
        faults.at, faults.count = at, 0
        try:
            Log.create(f"sqlite:///{path}").close()
        except Error:
            faults.at = None
            if path.exists():
                with Log.open(f"sqlite:///{path}") as log:
                    check(log)
            else:
                Log.create(f"sqlite:///{path}").close()
        assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_disk_that_was_made_read_only_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does by itself after an error of the disk's."""
    with Log.create(f"sqlite:///{tmp_path}/audit.db") as log:
        assert log.store.unwritable() is None
        real = os.statvfs(tmp_path)
        broken = os.statvfs_result((*real[:8], os.ST_RDONLY, real[9]))
        monkeypatch.setattr(os, "statvfs", lambda path: broken if path == tmp_path else real)
        assert log.store.unwritable() == f"{tmp_path}/audit.db is read-only."
