"""The two engines, plain: run a case's statements, say what its tables are and hold. No library has a part in this."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from indelible.values import read_text
from tests.capture_torture.model import Change, Copy, Engine, Fails, Many, Pipeline, Row, Statement
from tests.capture_torture.plain_sql import in_sql

# What makes a PostgreSQL server spell a value the same way, whatever else the session asked for.
CANONICAL = (
    "SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, YMD'", "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'", "SET extra_float_digits = 1", "SET lc_monetary = 'C'",
)  # fmt: skip


@dataclass(frozen=True)
class Described:
    """A table as the database describes it."""

    name: str
    columns: Mapping[str, str]  # to their types
    key: tuple[str, ...]
    generated: Mapping[str, str]  # columns that nobody writes, to their expressions
    identity: frozenset[str] = frozenset()  # columns whose values the database draws

    def key_of(self, change: Change) -> tuple[Any, ...]:
        row = {**change.old, **change.new, **change.at}
        return tuple(row[column] for column in self.key)


Tables = Mapping[str, Described]
Held = dict[str, list[dict[str, Any]]]


def quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """A table outside the first schema is named `schema.table`."""
    return ".".join(quote(part) for part in table.split(".")) if "." in table else quote(table)


# SQLite


def open_sqlite(path: str, *, attached: bool = False) -> sqlite3.Connection:
    """As an application's driver has it. `attached`: this file is the second of another one."""
    db = sqlite3.connect(path if not attached else f"{path}.other", isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA foreign_keys = ON")
    db.text_factory = read_text
    if attached:
        db.execute("ATTACH ? AS app", (path,))
    return db


def describe_sqlite(db: sqlite3.Connection) -> Tables:
    names = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {name: _described_sqlite(db, name) for (name,) in names}


def _described_sqlite(db: sqlite3.Connection, name: str) -> Described:
    rows = db.execute("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid", (name,)).fetchall()
    key = tuple(column for column, _, pk, _ in sorted(rows, key=lambda row: row[2]) if pk)
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
    generated = {row[0]: _expression(sql, row[0]) for row in rows if row[3]}
    return Described(name, {row[0]: row[1] for row in rows}, key, generated)


def _expression(sql: str, column: str) -> str:
    """What stands between the parentheses after the column's AS."""
    start = sql.index("AS (", sql.index(f"{column} ")) + len("AS (")
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[end], 0)
        end += 1
    return sql[start : end - 1]


def held_sqlite(path: str, tables: Tables) -> Held:
    db = open_sqlite(path)
    try:
        found: Held = {}
        for name in tables:
            columns = list(tables[name].columns)
            names = ", ".join(quote(column) for column in columns)
            found[name] = [
                dict(zip(columns, row, strict=True)) for row in db.execute(f"SELECT {names} FROM {quote(name)}")
            ]
        return found
    finally:
        db.close()


def run_sqlite(db: sqlite3.Connection, statements: Sequence[Statement], tables: Tables) -> None:
    for statement in statements:
        match statement:
            case str():
                db.execute(statement).fetchall()
            case Fails(sql):
                with refused(sqlite3.Error, sql):
                    db.execute(sql).fetchall()
            case Many(sql, rows):
                db.executemany(sql, rows)
            case Pipeline() | Copy():
                raise TypeError(f"SQLite has no {type(statement).__name__}.")
            case _:
                run_sqlite(db, in_sql(statement, "sqlite"), tables)


# PostgreSQL


def open_postgres(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


DESCRIBE = """
SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
  (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = c.oid AND i.indisprimary),
  (SELECT json_object_agg(a.attname, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a
    JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum) WHERE a.attrelid = c.oid AND a.attgenerated <> ''),
  (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity <> '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY 1
"""


def describe_postgres(db: psycopg.Connection) -> Tables:
    """Ordinary and partitioned tables; a partition is a part of its root."""
    return {
        name: Described(
            name, dict(zip(columns, types, strict=True)), tuple(key or ()), generated or {}, frozenset(identity or ())
        )
        for name, columns, types, key, generated, identity in db.execute(DESCRIBE).fetchall()
        if columns
    }


def held_postgres(url: str, tables: Tables) -> Held:
    """Each value as text, in one spelling."""
    found: Held = {}
    with open_postgres(url) as db:
        for setting in CANONICAL:
            db.execute(setting)
        partitioned = {name for (name,) in db.execute("SELECT relname FROM pg_class WHERE relkind = 'p'").fetchall()}
        for name, table in tables.items():
            texts = ", ".join(f"{quote(column)}::text" for column in table.columns)
            only = "" if name in partitioned else "ONLY "
            rows = db.execute(f"SELECT {texts} FROM {only}{qualified(name)}").fetchall()
            found[name] = [dict(zip(table.columns, row, strict=True)) for row in rows]
    return found


def run_postgres(db: psycopg.Connection, statements: Sequence[Statement], tables: Tables) -> None:
    for statement in statements:
        match statement:
            case str():
                db.execute(statement, prepare=False)
            case Fails(sql):
                with refused(psycopg.Error, sql):
                    db.execute(sql)
            case Many(sql, rows):
                with db.transaction():
                    db.cursor().executemany(sql.replace("?", "%s"), rows)
            case Pipeline(parts):
                with db.pipeline():
                    for part in parts:
                        db.execute(part)
            case Copy(sql, data):
                with db.cursor().copy(sql) as copy:
                    copy.write(data)
            case _:
                run_postgres(db, in_sql(statement, "postgres"), tables)


@contextmanager
def refused(error: type[Exception], sql: str) -> Iterator[None]:
    try:
        yield
    except error:
        return
    raise AssertionError(f"The database took what it must refuse: {sql}")


# What the expected changes say, against what the tables hold.


def canonical(value: Any, engine: Engine) -> Any:
    """As `held` gives it."""
    if engine == "sqlite":
        return int(value) if isinstance(value, bool) else value
    if value is None:
        return value
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"\\x{value.hex()}"
        case float():
            return _float(value)
        case Decimal():
            return str(value) if value.is_finite() else _float(float(value))
        case int():
            return str(value)
    return str(value)


def _float(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value).removesuffix(".0"))


def replay(before: Held, expected: Sequence[Change], tables: Tables, engine: Engine) -> Held:
    """What an auditor does with a log and a pencil. Fails where a change does not fit what is there."""
    rows = {name: list(held) for name, held in before.items()}
    for change in expected:
        table = rows[change.table]
        old, new = _spelled(change.old, engine), _spelled(change.new, engine)
        if change.operation != "create":
            key = _spelled({} if change.operation == "delete" else _before(change, tables[change.table]), engine)
            found = next(i for i, row in enumerate(table) if _holds(row, old | key))
            row = table.pop(found)
            new = row | new if change.operation == "update" else new
        if change.operation != "delete":
            table.append(new)
    return rows


def _before(change: Change, table: Described) -> Row:
    """The key of an updated row as it was."""
    return {column: change.old.get(column, change.at[column]) for column in table.key}


def _spelled(row: Row, engine: Engine) -> dict[str, Any]:
    return {column: canonical(value, engine) for column, value in row.items()}


def _holds(row: Row, part: Row) -> bool:
    return all(identical(row[column], value) for column, value in part.items())


def identical(one: Any, other: Any) -> bool:
    """1, 1.0 and '1' are three values, 0.0 and -0.0 two; NaN is itself."""
    return type(one) is type(other) and repr(one) == repr(other)


def same_rows(one: Held, other: Held) -> bool:
    def order(held: Held) -> dict[str, list[str]]:
        return {name: sorted(repr(sorted(row.items())) for row in rows) for name, rows in held.items()}

    return order(one) == order(other)
