"""An SQLite database that is watched."""

from collections.abc import Iterable
from pathlib import Path

from indelible.actions import ActionMap
from indelible.capture.coverage import Coverage
from indelible.capture.definition import Definition
from indelible.capture.sqlite.coverage import coverage
from indelible.capture.sqlite.opening import connect
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.sqlite.snapshot import SQLiteSnapshot
from indelible.capture.sqlite.watch import install, remove, watched


class SQLiteSource:
    """Keeps `capture.source.Source`."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the file, CaptureError if it is no SQLite database."""
        self._path = path
        self._db = connect(path)

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

    def watched(self) -> dict[str, Definition]:
        return watched(self._db)

    def coverage(self) -> list[Coverage]:
        return coverage(self._db)

    def outbox(self) -> SQLiteOutbox:
        return SQLiteOutbox(self._path)

    def snapshot(self) -> SQLiteSnapshot:
        return SQLiteSnapshot(self._db, self._path)

    def close(self) -> None:
        self._db.close()
