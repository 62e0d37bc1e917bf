"""Connections for reading, from those that are idle. One that was lost meanwhile costs another try."""

import math
import time
from hashlib import sha256
from queue import Empty, LifoQueue
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from indelible.errors import LogError
from indelible.store.postgres.connection import SQL, Database, Rows

KEPT_SECONDS = 60  # of a connection, where it may lead to any of several servers


class _Idle(NamedTuple):
    db: Connection[tuple[Any, ...]]
    server: str  # which of several it leads to
    until: float  # then it is time to ask again which that should be


class _Connections:
    """To one server at a time: of several that a URL names, one may be behind another.

    What is asked after `close` is a LogError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = False
        self._server = ""
        self._idle: LifoQueue[_Idle] = LifoQueue()

    def close(self) -> None:
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().db.close()
            except Empty:
                return

    def _rows(self, *asked: tuple[bytes, Any]) -> Rows:
        """Of the last of these statements, which cannot write."""
        with self._database.errors():
            while True:
                taken, used = self._take()
                try:
                    for sql, values in asked:
                        cursor = taken.db.execute(sql, values, binary=True)  # lines as they are, not as digits
                    rows: Rows = cursor.fetchall()
                except psycopg.OperationalError:
                    if not (used and taken.db.closed):
                        taken.db.close()
                        raise
                except BaseException:
                    taken.db.close()
                    raise
                else:
                    self._put_back(taken)
                    return rows

    def _take(self) -> tuple[_Idle, bool]:
        """A connection, and whether it was idle. One to another server than was connected to last is none."""
        if self._closed:
            raise LogError(f"{self._database} was closed here already. Open it again.")
        while True:
            try:
                idle = self._idle.get_nowait()
            except Empty:
                return self._made(), False
            if idle.server == self._server and time.monotonic() < idle.until:
                return idle, True
            idle.db.close()

    def _made(self) -> _Idle:
        db = self._connect()
        if not self._database.several:
            return _Idle(db, "", math.inf)
        ((self._server,),) = db.execute("SELECT pg_postmaster_start_time()::text").fetchall()
        return _Idle(db, self._server, time.monotonic() + KEPT_SECONDS)

    def _connect(self) -> Connection[tuple[Any, ...]]:
        db = self._database.connect()
        db.execute("SET default_transaction_read_only = on")
        return db

    def _put_back(self, idle: _Idle) -> None:
        if self._closed:
            idle.db.close()
        else:
            self._idle.put(idle)


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
