"""SQLite, plain: run a case's statements, say what its tables are and hold. No library has a part in this."""

import sqlite3
from collections.abc import Sequence

from indelible.values import read_text
from tests.capture_torture.engines import Described, Held, Tables, quote, refused
from tests.capture_torture.model import Copy, Fails, Many, Pipeline, Statement
from tests.capture_torture.plain_sql import in_sql


def connect(path: str, *, attached: bool = False) -> sqlite3.Connection:
    """As an application's driver has it. `attached`: this file is the second of another one."""
    db = sqlite3.connect(path if not attached else f"{path}.other", isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA foreign_keys = ON")
    db.text_factory = read_text
    if attached:
        db.execute("ATTACH ? AS app", (path,))
    return db


def describe(db: sqlite3.Connection) -> Tables:
    names = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {name: _described(db, name) for (name,) in names}


def _described(db: sqlite3.Connection, name: str) -> Described:
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


def held(path: str, tables: Tables) -> Held:
    db = connect(path)
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


def run(db: sqlite3.Connection, statements: Sequence[Statement]) -> None:
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
                run(db, in_sql(statement, "sqlite"))
