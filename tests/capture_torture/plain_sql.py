"""What an ORM's write is in plain SQL: for a driver, and for those whose capture does not care who wrote."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.capture_torture.model import (
    Alter,
    Atomic,
    BulkCreate,
    BulkUpdate,
    Core,
    Engine,
    Expr,
    Increment,
    QueryDelete,
    QueryUpdate,
    Remove,
    Row,
    Save,
    Statement,
    Write,
)


def in_sql(write: Write, engine: Engine) -> list[Statement]:
    return list(_statements(write, engine))


def _statements(write: Write, engine: Engine) -> Iterator[str]:  # noqa: C901 - a table of one line each
    match write:
        case Save(table, row):
            yield _insert(table, [row], engine)
        case Alter(table, where, columns) | QueryUpdate(table, where, columns) | Core("update", table, where, columns):
            yield f"UPDATE {_name(table)} SET {_pairs(columns, ', ', engine)}{_where(where, engine)}"
        case Remove(table, where) | QueryDelete(table, where) | Core("delete", table, where, _):
            yield f"DELETE FROM {_name(table)}{_where(where, engine)}"
        case Core("create", table, _, row):
            yield _insert(table, [row], engine)
        case BulkCreate(table, rows, conflict, unique):
            yield _insert(table, rows, engine) + _on_conflict(conflict, unique, rows[0])
        case BulkUpdate(table, key, rows):
            for row in rows:
                place = {column: row[column] for column in key}
                rest = {column: value for column, value in row.items() if column not in key}
                yield from _statements(Alter(table, place, rest), engine)
        case Increment(table, key, column, by):
            yield f"UPDATE {_name(table)} SET {_name(column)} = {_name(column)} + {by}{_where(key, engine)}"
        case Atomic(steps, rollback):
            yield "BEGIN"
            for step in steps:
                yield from _statements(step, engine)
            yield "ROLLBACK" if rollback else "COMMIT"


def _insert(table: str, rows: Any, engine: Engine) -> str:
    columns = list(rows[0])
    values = ", ".join("(" + ", ".join(literal(row[column], engine) for column in columns) + ")" for row in rows)
    return f"INSERT INTO {_name(table)} ({', '.join(map(_name, columns))}) VALUES {values}"


def _on_conflict(conflict: str, unique: tuple[str, ...], row: Row) -> str:
    if not conflict:
        return ""
    target = f" ON CONFLICT ({', '.join(map(_name, unique))})"
    if conflict == "ignore":
        return f"{target} DO NOTHING"
    rest = [column for column in row if column not in unique]
    return f"{target} DO UPDATE SET " + ", ".join(f"{_name(column)} = excluded.{_name(column)}" for column in rest)


def _where(where: Row, engine: Engine) -> str:
    return f" WHERE {_pairs(where, ' AND ', engine)}" if where else ""


def _pairs(row: Row, between: str, engine: Engine) -> str:
    return between.join(f"{_name(column)} = {literal(value, engine)}" for column, value in row.items())


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: Any, engine: Engine) -> str:
    match value:
        case Expr(sql):
            return sql
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int() | float() | Decimal():
            return str(value)
        case bytes():
            return f"x'{value.hex()}'" if engine == "sqlite" else f"'\\x{value.hex()}'"
    return "'" + str(value).replace("'", "''") + "'"
