"""Installs capture in an SQLite database: all of it in one transaction, or nothing."""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from indelible.actions import ActionMap
from indelible.capture.definition import Definition, chosen, define, told_apart
from indelible.capture.sqlite import evict
from indelible.capture.sqlite.cells import HIDDEN
from indelible.capture.sqlite.describe import describe, table_names
from indelible.capture.sqlite.modernize import modernize
from indelible.capture.sqlite.names import PREFIX, quote
from indelible.capture.sqlite.shape import Shape, read_shape
from indelible.capture.sqlite.strict import index as strict_index
from indelible.capture.sqlite.tape import nobody_from_here
from indelible.capture.sqlite.triggers import triggers
from indelible.errors import CaptureError, MapError

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS indelible_source (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), id TEXT NOT NULL)",
    # What was watched, and how: an outbox row is read by the definition it was written under.
    """CREATE TABLE IF NOT EXISTS indelible_watch (
      id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, definition TEXT NOT NULL)""",
    # A row is known by id and random token together: ids come back after the database was restored from a copy.
    # (AUTOINCREMENT would cost a page more in every row's statement journal: 1.3x in bulk.) `context` is of rows that
    # say who acts, see `carry.py`.
    """CREATE TABLE IF NOT EXISTS indelible_outbox (
      id INTEGER PRIMARY KEY, token INTEGER NOT NULL, watch INTEGER NOT NULL,
      operation TEXT NOT NULL, at REAL NOT NULL, context TEXT)""",
    evict.SCHEMA,
    """CREATE TRIGGER IF NOT EXISTS indelible_outbox_refuses_update BEFORE UPDATE ON indelible_outbox
    BEGIN SELECT RAISE(ABORT, 'indelible: a captured record cannot be changed'); END""",
)


def install(
    db: sqlite3.Connection, tables: Iterable[str] | None, action_map: ActionMap, *, strict: bool = False
) -> list[str]:
    """Watch `tables` (None: all but the excluded); gives their names. Repeatable; all of it or nothing.

    Raises CaptureError or MapError before anything is written, when a table or the map cannot be used.
    """
    try:
        existing = table_names(db)
        wanted = chosen(existing, tables, action_map)
        definitions = told_apart(define(describe(db, name), action_map.table(name), strict=strict) for name in wanted)
        shapes = [read_shape(db, name) for name in wanted]
        _refuse_hashes(definitions)
        with _writing(db):
            for statement in SCHEMA:
                db.execute(statement)
            db.execute("INSERT OR IGNORE INTO indelible_source VALUES (1, ?)", (str(uuid.uuid4()),))
            modernize(db)
            nobody_from_here(db)
            db.execute(f"DELETE FROM {evict.STAGE}")
            _widen(db, definitions, shapes)
            for definition, shape in zip(definitions, shapes, strict=True):
                _install_one(db, definition, shape)
            strict_index(db)
    except sqlite3.Error as error:
        raise CaptureError(f"The database cannot be watched: {error}. Nothing was changed in it; try again.") from error
    return wanted


def _install_one(db: sqlite3.Connection, definition: Definition, shape: Shape) -> None:
    text = msgspec.json.encode(definition).decode()
    found = db.execute(
        "SELECT id, definition FROM indelible_watch WHERE table_name = ? ORDER BY id DESC LIMIT 1", (definition.table,)
    ).fetchone()
    if found is not None and found[1] == text:
        watch = found[0]
    else:
        insert = "INSERT INTO indelible_watch (table_name, definition) VALUES (?, ?) RETURNING id"
        (watch,) = db.execute(insert, (definition.table, text)).fetchone()
    wanted = triggers(definition, watch, shape)
    for name in _stale(db, definition.table, wanted):
        db.execute(f"DROP TRIGGER {quote(name)}")
    for name, sql in wanted.items():
        old = db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)).fetchone()
        if old == (sql,):
            continue
        db.execute(f"DROP TRIGGER IF EXISTS {quote(name)}")
        db.execute(sql)


def _refuse_hashes(definitions: list[Definition]) -> None:
    for definition in definitions:
        if hashed := [column.name for column in definition.columns if column.mask == "hashed"]:
            raise MapError(
                f"The map, table [{definition.table}], hash: SQLite has no hash function, and {hashed[0]!r} must not "
                "leave its table as it is. Redact it instead."
            )


def _stale(db: sqlite3.Connection, table: str, wanted: Iterable[str]) -> list[str]:
    """Our triggers under the name the table had before it was renamed: they would record everything twice."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)).fetchall()
    return [name for (name,) in rows if name.startswith(PREFIX) and name not in wanted]


def _widen(db: sqlite3.Connection, definitions: list[Definition], shapes: list[Shape]) -> None:
    """Give the outbox a place for each side of each column of the widest table, and likewise what is staged."""
    width = range(max((len(definition.columns) for definition in definitions), default=0))
    keys = range(max((len(shape.key) for shape in shapes), default=0))
    _add(db, f"{PREFIX}outbox", [HIDDEN] + [f"{side}{index}" for index in width for side in ("o", "n")])
    _add(db, evict.STAGE, [HIDDEN] + [f"k{index}" for index in keys] + [f"o{index}" for index in width])


def _add(db: sqlite3.Connection, table: str, columns: list[str]) -> None:
    have = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    for column in columns:
        if column not in have:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT on a connection of any isolation setting, which it has again afterwards."""
    if db.in_transaction:
        raise CaptureError("Watching starts in a transaction of its own: commit or roll back the open one first.")
    isolation = db.isolation_level
    db.isolation_level = None
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
    finally:
        db.isolation_level = isolation
