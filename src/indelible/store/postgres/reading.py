"""Connections for reading, from those that are idle. One that was lost meanwhile costs another try."""

from queue import Empty, LifoQueue
from typing import Any

import psycopg
from psycopg import Connection

from indelible.errors import LogError
from indelible.store.postgres.connection import Database, Rows


class Readers:
    """What is asked after `close` is a LogError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = False
        self._idle: LifoQueue[Connection[tuple[Any, ...]]] = LifoQueue()

    def close(self) -> None:
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def query(self, sql: bytes, values: Any = ()) -> Rows:
        """Rows of one statement, which cannot write."""
        with self._database.errors():
            while True:
                db, used = self._take()
                try:
                    rows: Rows = db.execute(sql, values).fetchall()
                except psycopg.OperationalError:
                    if not (used and db.closed):
                        db.close()
                        raise
                except BaseException:
                    db.close()
                    raise
                else:
                    self._put_back(db)
                    return rows

    def _take(self) -> tuple[Connection[tuple[Any, ...]], bool]:
        if self._closed:
            raise LogError(f"{self._database} was closed here already. Open it again.")
        try:
            return self._idle.get_nowait(), True
        except Empty:
            db = self._database.connect()
            db.execute("SET default_transaction_read_only = on")
            return db, False

    def _put_back(self, db: Connection[tuple[Any, ...]]) -> None:
        if self._closed:
            db.close()
        else:
            self._idle.put(db)
