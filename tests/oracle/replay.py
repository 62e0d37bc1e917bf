"""Replays what was recorded, as an auditor with a pencil would, and compares with what the tables hold."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import psycopg

from tests.capture_torture.engines import quote
from tests.capture_torture.judge import Recorded
from tests.capture_torture.model import Case, Engine
from tests.capture_torture.place import Adapter, Place
from tests.oracle.statements import AT_FIRST, SCHEMA

Statement = tuple[str, Sequence[Any]]
Row = dict[str, Any]


@runtime_checkable
class Teller(Adapter, Protocol):
    """A library that can be asked again and again."""

    def more(self) -> list[Recorded]:
        """Since the last time, in order."""

    def key_of(self, row: Row, key: tuple[str, ...]) -> Any:
        """How `Recorded.key` names a row of spelled values."""


class Oracle:
    """One database, one library at work on it, and the tables as the library tells them."""

    def __init__(self, engine: Engine, url: str, teller: Adapter) -> None:
        if not isinstance(teller, Teller):
            raise TypeError(f"{type(teller).__name__} cannot be asked for what was recorded since the last time.")
        case = Case(id="oracle", promise="", schema=SCHEMA, run=(), expected=(), engines=(engine,))
        self.place = Place.make(engine, url, case)
        self._teller = teller
        teller.install(self.place)
        self._told: dict[str, dict[Any, list[Row]]] = {}
        self.ran = 0
        self.replayed = 0
        self.begin()

    def begin(self) -> None:
        """From empty tables, and an empty page: what went wrong before is forgotten, so that it can be made smaller."""
        with self.place.connection() as db:
            if self.place.engine == "sqlite":  # a reference that is set to NULL may break a unique index on the way
                db.execute("PRAGMA foreign_keys = OFF")
                db.executescript("; ".join(f"DELETE FROM {quote(name)}" for name in self.place.tables))
            else:
                db.execute(f"TRUNCATE {', '.join(map(quote, self.place.tables))}")
        self._teller.more()
        self._told = {name: {} for name in self.place.tables}

    def write(self, statements: Iterable[Statement]) -> None:
        """One after the other, in transactions that they end themselves; the last is committed."""
        with self.place.writer() as db:
            db.execute(AT_FIRST[self.place.engine])
            step = _step_sqlite if self.place.engine == "sqlite" else _StepsOfPostgres()
            db.execute("BEGIN")
            for sql, values in statements:
                step(db, sql, values)
                self.ran += 1
            db.execute("COMMIT")

    def check(self) -> None:
        """AssertionError names the first difference."""
        for record in self._teller.more():
            self._apply(record)
            self.replayed += 1
        for name, rows in self.place.held().items():
            told = [row for found in self._told[name].values() for row in found]
            assert len(told) == len(rows), f"{name}: {len(told)} rows are told, {len(rows)} are there"
            for row in rows:
                assert any(self._same(name, row, spelled) for spelled in told), f"{name}: {row} is not told: {told}"

    def _apply(self, record: Recorded) -> None:
        table, key = self._told[record.table], self.place.tables[record.table].key
        old, new = dict(record.old or {}), dict(record.new or {})
        if record.operation == "create":
            assert not key or record.key not in table, f"{record} is there already"
            table.setdefault(record.key, []).append(new)
            return
        before = self._find(table, record, old, new, key)
        row = table[before].pop()
        if not table[before]:
            del table[before]
        if record.operation == "update":
            table.setdefault(record.key, []).append(row | new)
        else:
            assert old == row, f"{record} deletes another row: {row}"

    def _find(self, table: dict[Any, list[Row]], record: Recorded, old: Row, new: Row, key: tuple[str, ...]) -> Any:
        """Where the row is that was changed; its key may have changed too."""
        places = table if set(key) & old.keys() else [record.key]
        for place in places:
            row = table.get(place, [{}])[-1]
            if (
                all(row.get(column, ...) == value for column, value in old.items())
                and self._teller.key_of(row | new, key) == record.key
            ):
                return place
        raise AssertionError(f"{record} changes a row that is not there: {table}")

    def _same(self, table: str, row: Row, spelled: Row) -> bool:
        types = self.place.tables[table].columns
        return all(self._teller.rules.same(value, types[column], spelled[column]) for column, value in row.items())


def _step_sqlite(db: sqlite3.Connection, sql: str, values: Sequence[Any]) -> None:
    # A statement that the database refuses changes nothing, or as much as its conflict clause says.
    with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):
        db.execute(sql, values).fetchall()
    if not db.in_transaction:
        db.execute("BEGIN")


class _StepsOfPostgres:
    """A statement that fails takes itself back, as in a shell with ON_ERROR_ROLLBACK."""

    def __init__(self) -> None:
        self._saved = False

    def __call__(self, db: psycopg.Connection, sql: str, values: Sequence[Any]) -> None:
        if sql in ("ROLLBACK TO s", "RELEASE s") and not self._saved:
            return  # no such savepoint: the error would end the transaction
        if sql in ("SAVEPOINT s", "RELEASE s", "COMMIT", "ROLLBACK"):
            self._saved = sql == "SAVEPOINT s"
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE", "COMMIT")):
            db.execute(sql)
        else:
            self._plain(db, sql.replace("?", "%s"), values)
        if db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            db.execute("BEGIN")

    @staticmethod
    def _plain(db: psycopg.Connection, sql: str, values: Sequence[Any]) -> None:
        db.execute("SAVEPOINT each")
        try:
            db.execute(sql, values or None)
        except psycopg.Error:
            db.execute("ROLLBACK TO each")
        db.execute("RELEASE each")
