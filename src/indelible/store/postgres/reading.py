"""Connections for reading, from those that are idle. One that was lost meanwhile costs another try."""

from hashlib import sha256
from queue import Empty, LifoQueue
from typing import Any

import psycopg
from psycopg import Connection

from indelible.errors import LogError
from indelible.store.postgres.connection import SQL, Database, Rows


class _Connections:
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

    def _rows(self, *asked: tuple[bytes, Any]) -> Rows:
        """Of the last of these statements, which cannot write."""
        with self._database.errors():
            while True:
                db, used = self._take()
                try:
                    for sql, values in asked:
                        cursor = db.execute(sql, values)
                    rows: Rows = cursor.fetchall()
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
            return self._connect(), False

    def _connect(self) -> Connection[tuple[Any, ...]]:
        db = self._database.connect()
        db.execute("SET default_transaction_read_only = on")
        return db

    def _put_back(self, db: Connection[tuple[Any, ...]]) -> None:
        if self._closed:
            db.close()
        else:
            self._idle.put(db)


class Readers(_Connections):
    """Of whatever the user may read."""

    def query(self, sql: bytes, values: Any = ()) -> Rows:
        return self._rows((sql, values))


class Tenants(_Connections):
    """Each time of one organization alone: as the role that sees nothing else, where the user may take it."""

    def query(self, sql: bytes, values: Any, organization: str) -> Rows:
        """Which organization is said each time, by its hash: an id may have what a setting cannot hold."""
        return self._rows((SQL["of_organization"], (sha256(organization.encode()).hexdigest(),)), (sql, values))

    def _connect(self) -> Connection[tuple[Any, ...]]:
        db = super()._connect()
        db.execute(SQL["as_tenant"])
        return db
