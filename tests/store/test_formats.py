"""A log of an older format is brought up to date as it is opened, all of it or nothing; a newer one is not touched."""

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from indelible.errors import LogError
from indelible.files import LOG
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import Query, Term
from indelible.store.sqlite import opening
from indelible.store.sqlite.sql import FORMAT, migration
from indelible.verify import verify_log
from tests.store.test_log import happened

OLDER = range(1, FORMAT)
TABLES = [
    "property", "leaf", "node", "head", "checkpoint", "organization_checkpoint", "cosignature",
    "attachment",
    "action", "operation", "source", "entity_type", "organization", "actor", "entity", "entry",
]  # fmt: skip


def make_older(path: Path, format_: int) -> None:
    """The log at `path`, as a version with that format would have written it."""
    old = path.with_name("old.db")
    db = apsw.Connection(str(old))
    db.create_aggregate_function("subtree", opening._Subtree, 1)
    for step in range(1, format_ + 1):
        db.execute(migration(step))
    db.execute(f"ATTACH '{path}' AS new")
    there = {name for (name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")}
    for table in [name for name in TABLES if name in there]:
        db.execute(f"INSERT INTO main.{table} SELECT * FROM new.{table}")
    db.execute(f"DETACH new; PRAGMA application_id = {LOG}; PRAGMA user_version = {format_}")
    db.pragma("journal_mode", "wal")
    db.close()
    old.replace(path)


def schema_of(path: Path) -> list[list[str]]:
    db = apsw.Connection(str(path))
    found = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    db.close()
    return [[" ".join(str(text).split()) for text in row] for row in found]


def format_of(path: Path) -> object:
    db = apsw.Connection(str(path))
    found = db.pragma("user_version")
    db.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Log.create(f"sqlite:///{tmp_path}/audit.db") as log:
        log.append(happened() for _ in range(600))
    return tmp_path / "audit.db"


@pytest.mark.parametrize("format_", OLDER)
def test_a_log_of_any_older_format_becomes_what_a_new_one_is(path: Path, format_: int) -> None:
    new = schema_of(path)
    make_older(path, format_)
    assert schema_of(path) != new
    with Log.open(f"sqlite:///{path}") as log:
        assert schema_of(path) == new
        assert verify_log(log, log.verifier, None).size == 600
        log.append([happened()])
        assert find(log, Query((Term("entity", "lic"),))).count == 601


def test_a_step_that_fails_leaves_the_log_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_older(path, 1)
    before = schema_of(path)
    monkeypatch.setattr(opening, "migration", lambda to: migration(to) + "; SELECT no_such_function()")
    with pytest.raises(LogError, match="no such function"):
        Log.open(f"sqlite:///{path}")
    monkeypatch.undo()
    assert (schema_of(path), format_of(path)) == (before, 1)
    Log.open(f"sqlite:///{path}").close()
    assert format_of(path) == FORMAT


def test_processes_that_open_an_older_log_at_once_all_find_it_up_to_date(path: Path) -> None:
    make_older(path, 1)
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from indelible.files import LOG
from indelible.log import Log
sys.stdin.read(1)
Log.open("sqlite:///{path}").close()
"""
    started = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(4)]
    for process in started:
        process.communicate(b"x", timeout=60)
    assert [process.returncode for process in started] == [0] * 4
    assert format_of(path) == FORMAT


def test_an_older_log_that_cannot_be_written_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_older(path, 1)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(LogError, match=r"has format 1\. Open it once where it can be written"):
        Log.open(f"sqlite:///{path}", sign=False)


def test_a_log_of_a_later_format_is_not_touched(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.pragma("user_version", FORMAT + 1)
    db.close()
    with pytest.raises(LogError, match=rf"has format {FORMAT + 1}; this version reads up to {FORMAT}\. Upgrade"):
        Log.open(f"sqlite:///{path}")
    assert format_of(path) == FORMAT + 1
