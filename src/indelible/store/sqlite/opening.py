"""Making and opening the log's file: whose it is, which format it has, and the steps from an older one."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from indelible.errors import LogError
from indelible.files import LOG
from indelible.merkle.tree import Frontier
from indelible.store.sqlite.sql import FORMAT, SQL, migration, schema

BUSY_MS = 10_000


def make(path: Path, properties: Mapping[str, str], first_root: bytes) -> None:
    """Write an empty log."""
    db = apsw.Connection(str(path))
    with db:
        db.execute(schema())
        db.execute(f"PRAGMA application_id = {LOG}; PRAGMA user_version = {FORMAT}")
        db.execute(SQL["first_head"], (first_root,))
        db.executemany(SQL["add_property"], properties.items())
    db.pragma("journal_mode", "wal")
    db.close()


def connect(path: Path) -> apsw.Connection:
    """Raises LogError if the file is no log, or one of a newer version; an older one is brought up to date."""
    db = _open(path)
    db.set_busy_timeout(BUSY_MS)
    if db.pragma("application_id") != LOG:
        raise LogError(
            f"{path} is not a log. A log has a file of its own, not the application's: give one that `indelible init` "
            "made, or one that is not there yet."
        )
    # temp_store: a statement that a trigger may stop copies each page that it touches, into a file otherwise.
    db.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY")
    if db.pragma("user_version") != FORMAT:
        _bring_up_to_date(db, path)
    return db


def _bring_up_to_date(db: apsw.Connection, path: Path) -> None:
    """All steps or none; of two processes that begin, the second finds it done."""
    if db.readonly("main"):
        raise LogError(f"{path} has format {db.pragma('user_version')}. Open it once where it can be written.")
    db.create_aggregate_function("subtree", _Subtree, 1)
    db.transaction_mode = "IMMEDIATE"
    with db:
        found = int(db.pragma("user_version"))
        if not 1 <= found <= FORMAT:
            raise LogError(f"{path} has format {found}; this version reads up to {FORMAT}. Upgrade.")
        for step in range(found + 1, FORMAT + 1):
            db.execute(migration(step))
        db.pragma("user_version", FORMAT)


@cache
def objects() -> frozenset[tuple[str, object]]:
    """Tables, indexes and triggers of a log, and how SQLite keeps their text."""
    db = apsw.Connection(":memory:")
    db.execute(schema())
    found = frozenset((str(name), sql) for name, sql in db.execute(SQL["objects"]))
    db.close()
    return found


class _Subtree:
    """The root of the hashes in a group, for a step."""

    def __init__(self) -> None:
        self._frontier = Frontier()

    def step(self, *values: Any) -> None:
        self._frontier.append(values[0])

    def final(self) -> bytes:
        return self._frontier.root()


def _open(path: Path) -> apsw.Connection:
    """For writing where that may be; an auditor's copy in a place that cannot be written is read as it lies."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    if path.with_name(path.name + "-wal").exists():
        raise LogError(f"{path} is in use and cannot be written here. Copy it, and its -wal, to a folder of yours.")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(str(path.absolute()))}?immutable=1", flags=flags)
