"""Events on the disk until the server has them: a file of SQLite, that every process of a program may share.

    recorded -> on the disk -> sent -> answered -> gone
                                    A           B

Killed at A or B they are sent again, with the ids that they had: the log has each once. Through Python's own `sqlite3`,
in its oldest journal: the file is this client's alone, and no other build of SQLite opens it.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from indelible.errors import LogError
from indelible.files import remedy

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);  -- none twice
CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, event TEXT NOT NULL, why TEXT NOT NULL);
"""
BUSY_SECONDS = 10.0

Waiting = tuple[int, str]  # its number, and the event as JSON


class Spool:
    """Threads share it."""

    def __init__(self, path: Path) -> None:
        """Made if it is not there, for this user alone. Raises LogError."""
        self._path = path
        self._lock = threading.Lock()
        with self._errors():
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def put(self, event: str) -> None:
        """On the disk when this returns. Raises LogError."""
        with self._lock, self._errors():
            self._db.execute("INSERT INTO waiting (event) VALUES (?)", (event,))

    def oldest(self, limit: int) -> list[Waiting]:
        with self._lock, self._errors():
            return self._db.execute("SELECT number, event FROM waiting ORDER BY number LIMIT ?", (limit,)).fetchall()

    def drop(self, numbers: Sequence[int]) -> None:
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM waiting WHERE number = ?", ((number,) for number in numbers))
            self._db.execute("COMMIT")

    def set_aside(self, number: int, why: str) -> None:
        """What the server will never take stays here, and keeps nothing else from being sent."""
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO refused SELECT number, event, ? FROM waiting WHERE number = ?", (why, number))
            self._db.execute("DELETE FROM waiting WHERE number = ?", (number,))
            self._db.execute("COMMIT")

    def pending(self) -> int:
        with self._lock, self._errors():
            return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def refused(self) -> list[tuple[str, str]]:
        """(event, why), the oldest first."""
        with self._lock, self._errors():
            return self._db.execute("SELECT event, why FROM refused ORDER BY number").fetchall()

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Whether this process may send: of those that share the file one does.

        The kernel lets go of it where one is killed.
        """
        path = self._path.with_name(f"{self._path.name}.lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and self._in_transaction():
                self._db.execute("ROLLBACK")
            raise LogError(f"The spool {self._path} cannot be used: {self._why(error)}") from error

    def _why(self, error: Exception) -> str:
        """And what to do about it."""
        folder, code = self._path.parent, getattr(error, "sqlite_errorcode", 0)
        if not folder.is_dir():
            return f"there is no folder {folder}. Make it, or name a spool in another one."
        return f"{error}. {remedy(code) or 'Look at the disk, and whose file it is.'}"

    def _in_transaction(self) -> bool:
        return hasattr(self, "_db") and self._db.in_transaction
