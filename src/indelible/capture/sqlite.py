"""Triggers for SQLite, generated from the table's description and installed in one transaction.

Each trigger writes one outbox row with the values as they are (columns without a type convert nothing), so no
value can make a user's write fail. The bodies use built-in functions only: any client's shell runs them.
Identifiers are quoted; nothing else of the schema reaches the SQL.
"""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from indelible.actions import ActionMap, TableMap
from indelible.errors import CaptureError, MapError

PREFIX = "indelible_"
OURS = {f"{PREFIX}{name}" for name in ("source", "watch", "context", "outbox")}
MAX_COLUMNS = 900  # SQLite allows 2,000 columns to a table; the outbox needs two for each

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS indelible_source (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), id TEXT NOT NULL)",
    # What was watched, and how: an outbox row is read by the definition it was written under.
    """CREATE TABLE IF NOT EXISTS indelible_watch (
      id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, definition TEXT NOT NULL)""",
    # Holds a row only inside a writing transaction; SQLite has one writer, so nobody else ever sees it.
    """CREATE TABLE IF NOT EXISTS indelible_context (
      only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body TEXT NOT NULL)""",
    # A row is known by id and random token together: ids come back after the queue was empty, and after the database
    # was restored from a copy. (AUTOINCREMENT would cost a page more in every row's statement journal: 1.3x in bulk.)
    """CREATE TABLE IF NOT EXISTS indelible_outbox (
      id INTEGER PRIMARY KEY, token INTEGER NOT NULL, watch INTEGER NOT NULL,
      operation TEXT NOT NULL, at REAL NOT NULL, context TEXT)""",
    """CREATE TRIGGER IF NOT EXISTS indelible_outbox_refuses_update BEFORE UPDATE ON indelible_outbox
    BEGIN SELECT RAISE(ABORT, 'indelible: a captured record cannot be changed'); END""",
)


class Column(msgspec.Struct, frozen=True):
    """A captured column: its place in the outbox is its place in the definition."""

    name: str
    boolean: bool = False  # declared BOOLEAN: 0 and 1 are false and true
    redacted: bool = False


class Definition(msgspec.Struct, frozen=True):
    """How a table is watched; stored beside the outbox."""

    table: str
    columns: list[Column]
    key: list[str]
    map: TableMap
    about_itself: bool = True  # False: its rows tell of another table's entity, whose name they may only repeat


def install(db: sqlite3.Connection, tables: Iterable[str] | None, action_map: ActionMap) -> list[str]:
    """Watch `tables` (None: all but the excluded); gives their names. Repeatable; all of it or nothing.

    Raises CaptureError or MapError before anything is written, when a table or the map cannot be used.
    """
    try:
        existing = table_names(db)
        wanted = _wanted(existing, tables, action_map)
        definitions = [_definition(db, name, action_map.table(name)) for name in wanted]
        with _writing(db):
            for statement in SCHEMA:
                db.execute(statement)
            db.execute("INSERT OR IGNORE INTO indelible_source VALUES (1, ?)", (str(uuid.uuid4()),))
            db.execute(
                "DELETE FROM indelible_context"
            )  # one that a driver's own commit left behind names nobody further
            _widen(db, max((len(d.columns) for d in definitions), default=0))
            for definition in definitions:
                _install_one(db, definition)
    except sqlite3.Error as error:
        raise CaptureError(f"The database cannot be watched: {error}. Nothing was changed in it; try again.") from error
    return wanted


def table_names(db: sqlite3.Connection) -> list[str]:
    """Ordinary tables, ours left out. Raises CaptureError for one that would pass for ours."""
    rows = db.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name")
    names = [name for (name,) in rows if name not in OURS and not name.startswith("sqlite_")]
    if strange := [name for name in names if name.startswith(PREFIX)]:
        raise CaptureError(f"The table {strange[0]!r} has a name that is kept for Indelible's own. Rename it.")
    return names


def _wanted(existing: list[str], tables: Iterable[str] | None, action_map: ActionMap) -> list[str]:
    if unknown := sorted(action_map.names() - set(existing)):
        raise MapError(
            f"The map names the table {unknown[0]!r}, which is not in the database. It has: {', '.join(existing)}."
        )
    if tables is None:
        return [name for name in existing if action_map.table(name).exclude is None]
    wanted = list(dict.fromkeys(tables))
    for name in wanted:
        if name not in existing:
            raise CaptureError(
                f"There is no table {name!r} to watch. The database has: {', '.join(existing) or 'none'}."
            )
    return wanted


def _definition(db: sqlite3.Connection, table: str, table_map: TableMap) -> Definition:
    rows = db.execute(
        "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", (table,)
    ).fetchall()
    names = [name for name, _, _ in rows]
    if len(names) > MAX_COLUMNS:
        raise CaptureError(
            f"The table {table!r} has {len(names)} columns; up to {MAX_COLUMNS} can be watched. Exclude it in the map."
        )
    for column, place in table_map.columns().items():
        if column not in names:
            raise MapError(
                f"The map, table [{table}], {place}: there is no column {column!r}. It has: {', '.join(names)}."
            )
    _refuse_hidden_name(table, rows, table_map)
    key = table_map.ids() or [name for name, _, pk in sorted(rows, key=lambda row: row[2]) if pk]
    _refuse_secret_key(table, rows, key, table_map)
    columns = [
        _column(name, type_, table_map, secret=name not in key)
        for name, type_, _ in rows
        if name not in table_map.ignore or name in key
    ]
    if not key:  # a rowid table without a primary key: the rowid is all the identity there is
        key = ["rowid"]
        columns = [Column("rowid"), *columns] if "rowid" not in names else columns
    primary = [name for name, _, pk in sorted(rows, key=lambda row: row[2]) if pk]
    return Definition(table, columns, key, table_map, about_itself=not table_map.ids() or key == primary)


def _column(name: str, declared: str, table_map: TableMap, *, secret: bool) -> Column:
    boolean = declared.upper() in ("BOOLEAN", "BOOL")
    return Column(name, boolean=boolean, redacted=secret and table_map.redacts(name, boolean=boolean))


def _refuse_hidden_name(table: str, rows: Iterable[tuple[str, str, int]], table_map: TableMap) -> None:
    """The name and the organization stand in every entry: a column that is not to be seen cannot give them."""
    for name, declared, _ in rows:
        hidden = name in table_map.ignore or _column(name, declared, table_map, secret=True).redacted
        if hidden and name in (table_map.name, table_map.organization):
            raise MapError(
                f"The map, table [{table}]: {name!r} is ignored or redacted, so it cannot give the entity's name or "
                "organization. Name another column, or none."
            )


def _refuse_secret_key(table: str, rows: Iterable[tuple[str, str, int]], key: list[str], table_map: TableMap) -> None:
    """A key stands in its entries in the clear. A number is no secret, nor is what the map calls `id` on purpose."""
    for column, type_, _ in rows:
        plain = type_.upper() == "INTEGER" or column in table_map.ids()
        if column in key and table_map.redacts(column, boolean=plain):
            raise MapError(
                f"The table {table!r} is known by {column!r}, and a secret cannot name its rows in the log. "
                f"Give it another `id` in the map, exclude it, or say `id` = {column!r} if that is no secret."
            )


def _install_one(db: sqlite3.Connection, definition: Definition) -> None:
    text = msgspec.json.encode(definition).decode()
    found = db.execute(
        "SELECT id, definition FROM indelible_watch WHERE table_name = ? ORDER BY id DESC LIMIT 1", (definition.table,)
    ).fetchone()
    if found is not None and found[1] == text:
        watch = found[0]
    else:
        insert = "INSERT INTO indelible_watch (table_name, definition) VALUES (?, ?) RETURNING id"
        (watch,) = db.execute(insert, (definition.table, text)).fetchone()
    wanted = triggers(definition, watch)
    for name in _stale(db, definition.table, wanted):
        db.execute(f"DROP TRIGGER {quote(name)}")
    for name, sql in wanted.items():
        old = db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)).fetchone()
        if old == (sql,):
            continue
        db.execute(f"DROP TRIGGER IF EXISTS {quote(name)}")
        db.execute(sql)


def _stale(db: sqlite3.Connection, table: str, wanted: Iterable[str]) -> list[str]:
    """Our triggers under the name the table had before it was renamed: they would record everything twice."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)).fetchall()
    return [name for (name,) in rows if name.startswith(PREFIX) and name not in wanted]


def triggers(definition: Definition, watch: int) -> dict[str, str]:
    """Name to statement, for create, update and delete."""
    table, columns = definition.table, definition.columns
    # Null-safe: `!=` would miss every change from or to NULL. Binary: NOCASE would miss Dana -> dana.
    changed = " OR ".join(f"OLD.{quote(c.name)} IS NOT NEW.{quote(c.name)} COLLATE BINARY" for c in columns) or "0"
    news = {f"n{i}": _value("NEW", c) for i, c in enumerate(columns)}
    olds = {f"o{i}": _value("OLD", c) for i, c in enumerate(columns)}
    both = {f"n{i}": _new_value(c) for i, c in enumerate(columns)} | olds
    spec = {
        "create": ("AFTER INSERT", "", news),
        "update": ("AFTER UPDATE", f"WHEN {changed} ", both),
        "delete": ("AFTER DELETE", "", olds),
    }
    return {
        f"{PREFIX}{operation}_{table}": (
            f"CREATE TRIGGER {quote(f'{PREFIX}{operation}_{table}')} {event} ON {quote(table)} FOR EACH ROW {when}"
            f"BEGIN {_insert(operation, watch, values)}; END"
        )
        for operation, (event, when, values) in spec.items()
    }


def _insert(operation: str, watch: int, values: dict[str, str]) -> str:
    """No conflict clause: the user's own (`INSERT OR IGNORE ...`) would override it, and nothing can conflict."""
    columns = ", ".join(["token", "watch", "operation", "at", "context", *values])
    row = ", ".join(
        [
            "random()",
            str(watch),
            f"'{operation}'",
            "julianday('now')",
            "(SELECT body FROM indelible_context)",
            *values.values(),
        ]
    )
    return f"INSERT INTO indelible_outbox ({columns}) VALUES ({row})"


def _value(row: str, column: Column) -> str:
    """A redacted value never leaves the table: NULL stays NULL, all else becomes 0."""
    name = f"{row}.{quote(column.name)}"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE 0 END" if column.redacted else name


def _new_value(column: Column) -> str:
    """After an update a redacted value is 1 if it changed, so that the change itself is seen."""
    if not column.redacted:
        return _value("NEW", column)
    new, old = f"NEW.{quote(column.name)}", f"OLD.{quote(column.name)}"
    return f"CASE WHEN {new} IS NULL THEN NULL WHEN {new} IS {old} COLLATE BINARY THEN 0 ELSE 1 END"


def _widen(db: sqlite3.Connection, columns: int) -> None:
    """Give the outbox a place for each side of each column of the widest table."""
    have = {row[1] for row in db.execute("PRAGMA table_info(indelible_outbox)")}
    for index in range(columns):
        for side in ("o", "n"):
            if f"{side}{index}" not in have:
                db.execute(f"ALTER TABLE indelible_outbox ADD COLUMN {side}{index}")


def quote(identifier: str) -> str:
    """An SQL identifier. NUL cannot be in one."""
    return '"' + identifier.replace('"', '""').replace("\0", "") + '"'


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
