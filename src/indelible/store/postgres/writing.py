"""The connection that writes: one transaction at a time in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from indelible.errors import LogError
from indelible.store.dictionary import Dictionary
from indelible.store.postgres.connection import SECONDS, SQL, Database
from indelible.store.postgres.tables import Tables

BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '{SECONDS}s'"


class Writer:
    """Made anew if it was lost. What is asked after `close` is a LogError."""

    def __init__(self, database: Database, log: int) -> None:
        self._database = database
        self._log = log
        self._lock = threading.Lock()  # the row of the head keeps other processes out
        self._closed = False
        self._held: tuple[Tables, Dictionary] | None = None

    def close(self) -> None:
        """After a transaction that somebody else may be in; who waits for their turn has none."""
        self._closed = True
        with self._lock:
            if self._held is not None:
                self._held[0].db.close()

    @contextmanager
    def transaction(self) -> Iterator[tuple[Tables, Dictionary]]:
        """Committed at its end, all of it or nothing; then the disk has it."""
        with self._lock, self._database.errors():
            tables, dictionary = self._begin()
            try:
                yield tables, dictionary
                self._database.commit(tables.db)
            except BaseException:
                dictionary.forget()
                _roll_back(tables.db)
                raise

    def read_only(self) -> bool:
        """As the server has it for the next transaction: a standby, or so set. Whoever writes meanwhile can."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            with self._database.errors():
                db = self._begin()[0].db
                try:
                    return db.execute("SHOW transaction_read_only").fetchone() == ("on",)
                finally:
                    _roll_back(db)
        finally:
            self._lock.release()

    def _begin(self) -> tuple[Tables, Dictionary]:
        """On a connection that was lost while it was idle nothing was said yet: on another one, then."""
        if self._closed:
            raise LogError(f"{self._database} was closed here already. Open it again.")
        while True:
            if new := self._held is None or self._held[0].db.closed:
                self._held = self._connect()
            try:
                self._database.begin(self._held[0].db, BEGIN)
            except psycopg.OperationalError:
                if new or not self._held[0].db.closed:
                    raise
            else:
                return self._held

    def _connect(self) -> tuple[Tables, Dictionary]:
        db = self._database.connect()
        db.execute(SQL["durable"])
        tables = Tables(db, self._log)
        return tables, Dictionary(tables)


def _roll_back(db: Connection[tuple[Any, ...]]) -> None:
    """A connection that cannot even do that, as after an interrupt within a statement, is not used again."""
    try:
        if not db.closed:
            db.rollback()
    except psycopg.Error:
        db.close()
