"""What is ours in the application's database: made when watching starts, widened as wider tables are watched."""

import sqlite3
import uuid
from collections.abc import Iterable

from indelible.capture.definition import Definition
from indelible.capture.sqlite import baseline, evict
from indelible.capture.sqlite.cells import HIDDEN
from indelible.capture.sqlite.modernize import modernize
from indelible.capture.sqlite.names import PREFIX
from indelible.capture.sqlite.shape import Shape

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS indelible_source (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), id TEXT NOT NULL)",
    # What was watched, and how: an outbox row is read by the definition it was written under. The newest row of a
    # table says how it is watched now; without a definition, no longer. `shape` is the table as it was then.
    """CREATE TABLE IF NOT EXISTS indelible_watch (
      id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, definition TEXT, shape TEXT)""",
    # A row is known by id and random token together: ids come back after the database was restored from a copy.
    # (AUTOINCREMENT would cost a page more in every row's statement journal: 1.3x in bulk.) `context` is of rows that
    # say who acts, see `carry.py`.
    """CREATE TABLE IF NOT EXISTS indelible_outbox (
      id INTEGER PRIMARY KEY, token INTEGER NOT NULL, watch INTEGER NOT NULL,
      operation TEXT NOT NULL, at REAL NOT NULL, context TEXT)""",
    evict.SCHEMA,
    baseline.SCHEMA,
    """CREATE TRIGGER IF NOT EXISTS indelible_outbox_refuses_update BEFORE UPDATE ON indelible_outbox
    BEGIN SELECT RAISE(ABORT, 'indelible: a captured record cannot be changed'); END""",
)


def prepare(db: sqlite3.Connection, definitions: Iterable[Definition], shapes: Iterable[Shape]) -> None:
    """Everything but the triggers, in the transaction that watches."""
    for statement in SCHEMA:
        db.execute(statement)
    db.execute("INSERT OR IGNORE INTO indelible_source VALUES (1, ?)", (str(uuid.uuid4()),))
    modernize(db)
    db.execute(f"DELETE FROM {evict.STAGE}")
    _widen(
        db, max((len(each.columns) for each in definitions), default=1), max((len(s.key) for s in shapes), default=0)
    )


def _widen(db: sqlite3.Connection, width: int, keys: int) -> None:
    """Give the outbox a place for each side of each column of the widest table, and likewise what is beside it."""
    add(db, f"{PREFIX}outbox", [HIDDEN] + [f"{side}{index}" for index in range(width) for side in ("o", "n")])
    staged = [f"{side}{i}" for i in range(keys) for side in ("k", "w")] + [f"o{i}" for i in range(width)]
    add(db, evict.STAGE, [HIDDEN, *staged])
    add(db, baseline.PROGRESS, [f"k{i}" for i in range(keys)])


def add(db: sqlite3.Connection, table: str, columns: list[str]) -> None:
    have = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    for column in columns:
        if column not in have:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
