"""Connections for reading, from those that are idle. One that was lost meanwhile costs another try.

Nothing is set for a session: behind a pooler the next transaction of it may be anybody's.
"""

import math
import time
from collections.abc import Callable
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

    def _rows(self, ask: Callable[[Connection[tuple[Any, ...]]], Rows]) -> Rows:
        with self._database.errors():
            while True:
                taken, used = self._take()
                try:
                    rows = ask(taken.db)
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
        return self._database.connect()

    def _put_back(self, idle: _Idle) -> None:
        if self._closed:
            idle.db.close()
        else:
            self._idle.put(idle)


class Readers(_Connections):
    """Of whatever the user may read."""

    def query(self, sql: bytes, values: Any = ()) -> Rows:
        # Binary: lines come as they are, not as digits.
        return self._rows(lambda db: db.execute(sql, values, binary=True).fetchall())

    def definitions(self, sql: bytes) -> Rows:
        """As PostgreSQL spells them by itself: names in full, with a quote wherever it is needed, and nowhere else."""

        def ask(db: Connection[tuple[Any, ...]]) -> Rows:
            with db.transaction():
                db.execute("SET LOCAL quote_all_identifiers = off")
                db.execute("SET LOCAL search_path = pg_catalog")
                return db.execute(sql, ()).fetchall()

        return self._rows(ask)


class Tenants(_Connections):
    """Each time of one organization alone: as the role that sees nothing else, where the user may take it."""

    def query(self, sql: bytes, values: Any, organization: str) -> Rows:
        """Which organization is said each time, by its hash: an id may have what a setting cannot hold."""
        asked = sha256(organization.encode()).hexdigest()

        def ask(db: Connection[tuple[Any, ...]]) -> Rows:
            with db.pipeline():  # one journey
                db.execute("BEGIN READ ONLY")
                db.execute(SQL["as_tenant"])
                db.execute(SQL["of_organization"], (asked,))
                cursor = db.execute(sql, values, binary=True)
                db.execute("COMMIT")
            return cursor.fetchall()

        return self._rows(ask)

    def _connect(self) -> Connection[tuple[Any, ...]]:
        """Without prepared statements: what a name stands for is for the session, and so, maybe, another client's."""
        db = super()._connect()
        db.prepare_threshold = None
        return db
