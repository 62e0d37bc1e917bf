"""Records the rows that a table had when watching began: without them the log would know only what changed since.

In short transactions, by the order of the key. Killed anywhere, the next `watch` goes on: what was recorded and how far
that went are committed together. A row that changes meanwhile is told of by both, in the order in which it happened.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from indelible.capture.context import carry, new_transaction
from indelible.capture.definition import Definition
from indelible.capture.notes import by_this_program
from indelible.capture.sqlite.carry import CLEAR, SET
from indelible.capture.sqlite.cells import Rows, cells, selected
from indelible.capture.sqlite.names import PREFIX, quote
from indelible.capture.sqlite.shape import Shape
from indelible.capture.sqlite.writing import writing

PAGE = 500  # rows of one transaction
PROGRESS = f"{PREFIX}baseline"
# How far it went: the key of the last row recorded; NULL before the first. No row: it is finished.
SCHEMA = f"CREATE TABLE IF NOT EXISTS {PROGRESS} (table_name TEXT PRIMARY KEY) WITHOUT ROWID"


def begin(db: sqlite3.Connection, table: str) -> None:
    db.execute(f"INSERT OR REPLACE INTO {PROGRESS} (table_name) VALUES (?)", (table,))


def end(db: sqlite3.Connection, table: str) -> None:
    db.execute(f"DELETE FROM {PROGRESS} WHERE table_name = ?", (table,))


def renamed(db: sqlite3.Connection, before: str, after: str) -> None:
    db.execute(f"UPDATE OR REPLACE {PROGRESS} SET table_name = ? WHERE table_name = ?", (after, before))


def record(db: sqlite3.Connection, definition: Definition, watch: int, shape: Shape) -> None:
    """Finish the table's baseline, if one was begun."""
    more = True
    while more:
        with writing(db):
            more = _record_page(db, definition, watch, shape)


def _record_page(db: sqlite3.Connection, definition: Definition, watch: int, shape: Shape) -> bool:
    """False: that was the last."""
    table = quote(definition.table)
    places = [f"k{i}" for i in range(len(shape.key))]
    after = db.execute(f"SELECT {_bytes(places)} FROM {PROGRESS} WHERE table_name = ?", (definition.table,)).fetchone()
    if after is None:
        return False  # somebody else finished it
    order = ", ".join(f"{table}.{quote(name)} COLLATE {quote(collation)}" for name, collation in shape.key)
    columns = [f"{table}.{quote(name)}" for name, _ in shape.key]
    named, bound, above = ", ".join(columns), (), "1"
    if after[1] is not None:
        given, bound = _given(after, shape)
        above = f"({named}) > {given}"
    last = f"SELECT {_bytes(columns)} FROM {table} WHERE {above} ORDER BY {order} LIMIT 1 OFFSET {PAGE - 1}"
    until = db.execute(last, bound).fetchone()
    if until is None:
        _insert(db, definition, watch, f"{above} ORDER BY {order}", bound)
        end(db, definition.table)
        return False
    given, upto = _given(until, shape)
    _insert(db, definition, watch, f"{above} AND ({named}) <= {given} ORDER BY {order}", (*bound, *upto))
    moved = f"UPDATE {PROGRESS} SET ({', '.join(places)}) = {given} WHERE table_name = ?"
    db.execute(moved, (*upto, definition.table))
    return True


def _bytes(values: Iterable[str]) -> str:
    """Of each whether it is a text, and that as its bytes: it may be none that Python knows."""
    return ", ".join(
        f"typeof({value}) = 'text', CASE typeof({value}) WHEN 'text' THEN CAST({value} AS BLOB) ELSE {value} END"
        for value in values
    )


def _given(row: Sequence[Any], shape: Shape) -> tuple[str, tuple[Any, ...]]:
    """A key that was read so, and what is bound in it.

    The collations stand beside the values: beside the columns they would keep SQLite from using the index.
    """
    spelled = ("CAST(? AS TEXT)" if is_text else "?" for is_text in row[::2])
    parts = [f"{each} COLLATE {quote(collation)}" for each, (_, collation) in zip(spelled, shape.key, strict=True)]
    return f"({', '.join(parts)})", tuple(row[1::2])


def _insert(db: sqlite3.Connection, definition: Definition, watch: int, where: str, limits: tuple[object, ...]) -> None:
    table = quote(definition.table)
    fixed = {"token": "random()", "watch": str(watch), "operation": "'baseline'", "at": "julianday('now')"}
    columns, select = selected(cells(definition, "n", table), fixed, Rows(table, where, {}))
    db.execute(SET, (carry(new_transaction(), by_this_program("baseline")),))
    db.execute(f"INSERT INTO {PREFIX}outbox ({', '.join(columns)}) {select}", limits)
    db.execute(CLEAR)
