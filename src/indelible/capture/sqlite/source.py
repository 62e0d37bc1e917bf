"""An SQLite database that is watched, opened with the standard library's driver.

Two SQLite builds must never open one file, so this is never `apsw`.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from indelible.actions import ActionMap
from indelible.capture.coverage import Coverage
from indelible.capture.sqlite.coverage import coverage
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.sqlite.snapshot import SQLiteSnapshot
from indelible.capture.sqlite.watch import install, remove
from indelible.errors import CaptureError, NotFoundError

BUSY_SECONDS = 10


class SQLiteSource:
    """Keeps `capture.source.Source`."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the file, CaptureError if it is no SQLite database."""
        if not path.is_file():
            raise NotFoundError(f"There is no database at {path}.")
        self._path = path
        self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("SELECT name FROM sqlite_master LIMIT 1")
        except sqlite3.Error as error:
            self._db.close()
            raise CaptureError(f"{path} cannot be opened as an SQLite database: {error}.") from error

    def watch(
        self,
        tables: Iterable[str] | None,
        action_map: ActionMap | None,
        *,
        strict: bool | None = False,
        baseline: bool = True,
    ) -> list[str]:
        return install(self._db, tables, action_map, strict=strict, baseline=baseline)

    def unwatch(self, table: str) -> None:
        remove(self._db, table)

    def coverage(self) -> list[Coverage]:
        return coverage(self._db)

    def outbox(self) -> SQLiteOutbox:
        return SQLiteOutbox(self._path)

    def snapshot(self) -> SQLiteSnapshot:
        return SQLiteSnapshot(self._db)

    def close(self) -> None:
        self._db.close()
