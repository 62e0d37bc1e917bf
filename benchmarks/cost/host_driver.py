"""psycopg, and the standard library's sqlite3: the floor under the other hosts, and a host of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg

from benchmarks.cost.rows import INSERT_SELECT, UPDATE_ROWS, row, rows, seeded
from benchmarks.cost.subject import COUNTS, Subject, Where, Write
from benchmarks.cost.tables import make_tables, watch
from indelible.capture.context import acting, carry, new_transaction
from indelible.capture.sqlite.carry import CLEAR, SET
from indelible.integrations.psycopg import attach

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
COLUMNS = list(row(""))


class Driver(Subject):
    def __init__(self, where: Where) -> None:
        self.where = where
        make_tables(where)
        watch(where)
        self.counts = COUNTS.get((where.variant, where.engine))
        self.db: Any = _sqlite(where) if where.engine == "sqlite" else _postgres(where)
        mark = "?" if where.engine == "sqlite" else "%s"
        self._insert = f"INSERT INTO licenses ({', '.join(COLUMNS)}) VALUES ({', '.join([mark] * len(COLUMNS))})"
        self._update = f"UPDATE licenses SET product = {mark} WHERE id = {mark}"

    def _transaction(self) -> AbstractContextManager[object]:
        return _immediate(self.db) if self.where.engine == "sqlite" else self.db.transaction()

    def _given(self, each: dict[str, Any]) -> tuple[Any, ...]:
        if self.where.engine == "postgres":
            return tuple(each.values())
        return tuple(None if value is None else str(value) for value in each.values())

    def _write(self, sql: str, *parameters: Any) -> Write:
        def write() -> None:
            with self._transaction():
                self.db.execute(sql, *parameters)

        return write

    def insert(self, number: int) -> Write:
        return self._write(self._insert, self._given(row(f"a{number:06d}")))

    def update(self, number: int) -> Write:
        return self._write(self._update, ("Changed", seeded(number)))

    def insert_select(self, number: int) -> Write:
        return self._write(INSERT_SELECT.format(prefix=f"d{number}"))

    def update_rows(self, number: int) -> Write:
        return self._write(UPDATE_ROWS.format(number=number))

    def executemany(self, number: int) -> Write:
        given = [self._given(each) for each in rows(f"e{number}")]

        def write() -> None:
            with self._transaction():
                self.db.cursor().executemany(self._insert, given)

        return write

    def recorded(self) -> int:
        return int(self.db.execute(self.counts).fetchone()[0]) if self.counts else 0

    def close(self) -> None:
        self.db.close()


def _postgres(where: Where) -> psycopg.Connection[Any]:
    db = psycopg.connect(where.database, autocommit=True)
    if where.variant == "indelible":
        attach(db)
    return db


def _sqlite(where: Where) -> sqlite3.Connection:
    db = sqlite3.connect(where.database, isolation_level=None)
    for pragma in PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    return db


@contextmanager
def _immediate(db: sqlite3.Connection) -> Iterator[None]:
    """Nothing attaches to sqlite3: what the integrations run on it is written out here."""
    held = acting()
    db.execute("BEGIN IMMEDIATE")
    if held:
        db.execute(SET, (carry(new_transaction(), held),))
    yield
    if held:
        db.execute(CLEAR)
    db.execute("COMMIT")
