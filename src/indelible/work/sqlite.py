"""Work in a file beside an SQLite log, through `apsw` as that."""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from indelible.background import Hold
from indelible.errors import LogError
from indelible.files import WORK, beside, sync
from indelible.work.promise import Row
from indelible.work.sql import FORMAT, inserts, migration, queries, schema

BUSY_MS = 10_000
SQL = queries()
LOG = {"log": "audit"}  # there is one


class SQLiteWork:
    """Keeps `promise.Work`."""

    def __init__(self, path: Path) -> None:
        """Made if it is not there. Raises LogError if it cannot be, or is of a later version."""
        self._path = path
        self._lock = threading.Lock()
        self._closed = False
        with self._errors():
            if not path.exists():
                _make(path)
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._db.set_busy_timeout(BUSY_MS)
            self._db.execute("PRAGMA synchronous = FULL")
            if self._db.pragma("application_id") != WORK or not _up_to_date(self._db):
                raise LogError(f"{path} is not what this version keeps there. Upgrade, or move it away.")

    def __str__(self) -> str:
        return str(self._path)

    @contextmanager
    def transaction(self) -> Iterator["_Statements"]:
        with self._lock, self._errors():
            if self._closed:
                raise LogError(f"{self._path} was closed here already. Open it again.")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield _Statements(self._db)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def hold(self, what: str) -> Hold | None:
        return _FileHold.take(self._path.with_name(f"{self._path.name}.{what}.lock"))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LogError(
                f"{self._path} cannot be written: {error.strerror}. Its folder and files have to be those of whoever "
                "runs this, and the disk needs room."
            ) from error
        except apsw.Error as error:
            raise LogError(f"{self._path} cannot be used: {error}. Look at the disk, and whose file it is.") from error


class _Statements:
    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def last(self) -> None:
        """There is one disk."""

    def run(self, name: str, /, **values: Any) -> list[Row]:
        return list(self._db.execute(SQL[name], LOG | values))

    def many(self, name: str, rows: Iterable[dict[str, Any]], /) -> None:
        every = (LOG | row for row in rows)
        if not SQL[name].startswith("INSERT"):
            self._db.executemany(SQL[name], every)
            return
        for text, values in inserts(name, every, "?"):
            self._db.execute(text, values)


class _FileHold:
    """An `flock`: the kernel lets go of it when the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "_FileHold | None":
        """Raises LogError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LogError(f"{path} cannot be made: {error.strerror}. Make its folder writable.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def kept(self) -> bool:
        return True

    def release(self) -> None:
        os.close(self._descriptor)


def _up_to_date(db: apsw.Connection) -> bool:
    """By all steps or none; of two that begin, the second finds it done. False: it is of a later version."""
    if db.pragma("user_version") != FORMAT:
        db.transaction_mode = "IMMEDIATE"
        with db:
            for step in range(int(db.pragma("user_version")) + 1, FORMAT + 1):
                db.execute(migration(step))
                db.pragma("user_version", step)
    return bool(db.pragma("user_version") == FORMAT)


def _make(path: Path) -> None:
    """Beside its place, and linked there: of two that try at once one has made it."""
    with beside(path) as made:
        db = apsw.Connection(str(made))
        with db:
            db.execute(schema())
            db.execute(f"PRAGMA application_id = {WORK}; PRAGMA user_version = {FORMAT}")
        db.pragma("journal_mode", "wal")
        db.close()
        sync(made)
        try:
            path.hardlink_to(made)
        except FileExistsError:
            return
    sync(path.parent)
