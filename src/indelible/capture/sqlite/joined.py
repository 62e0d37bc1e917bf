"""Watching inside a transaction of the application's own, as a migration may have it open."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from indelible.actions import ActionMap
from indelible.capture.sqlite.watch import install, remove
from indelible.capture.sqlite.writing import joining


class JoinedSQLite:
    """Keeps `capture.source.Joined`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def watch(
        self,
        tables: Iterable[str] | None,
        action_map: ActionMap | None,
        *,
        strict: bool | None = False,
        baseline: bool = True,
    ) -> list[str]:
        with joining():
            return install(self._db, tables, action_map, strict=strict, baseline=baseline)

    def unwatch(self, table: str) -> None:
        with joining():
            remove(self._db, table)


@contextmanager
def joined(db: sqlite3.Connection) -> Iterator[JoinedSQLite]:
    yield JoinedSQLite(db)
