"""What SQLite says of its tables."""

import sqlite3

from indelible.capture.definition import Column, Kind, Table
from indelible.capture.sqlite.names import OURS, PREFIX, ROWID, rowid
from indelible.errors import CaptureError

MAX_COLUMNS = 900  # SQLite allows 2,000 columns to a table; the outbox needs two for each


def table_names(db: sqlite3.Connection) -> list[str]:
    """Ordinary tables, ours left out. Raises CaptureError for one that would pass for ours."""
    rows = db.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name")
    names = [name for (name,) in rows if name not in OURS and not name.startswith("sqlite_")]
    if strange := [name for name in names if name.startswith(PREFIX)]:
        raise CaptureError(f"The table {strange[0]!r} has a name that is kept for Indelible's own. Rename it.")
    return names


def describe(db: sqlite3.Connection, table: str) -> Table:
    """Raises CaptureError for a table that the outbox is too narrow for."""
    query = "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
    rows = db.execute(query, (table,)).fetchall()
    if len(rows) > MAX_COLUMNS:
        raise CaptureError(
            f"The table {table!r} has {len(rows)} columns; up to {MAX_COLUMNS} can be watched. Exclude it in the map."
        )
    (strict,) = db.execute("SELECT strict FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchone()
    columns = [Column(name, _kind(type_, strict=bool(strict))) for name, type_, _ in rows]
    key = [name for name, _, pk in sorted(rows, key=lambda row: row[2]) if pk]
    if not key:  # a rowid table without a primary key: the rowid is all the identity there is
        key = [rowid(column.name for column in columns) or ROWID[0]]  # where each is taken, `read_shape` refuses
        columns = [Column(key[0], "integer"), *columns]
    return Table(table, columns, key)


def _kind(declared: str, *, strict: bool) -> Kind:
    """By the affinity of the declared type, as SQLite determines it (Datatypes, 3.1); NUMERIC promises nothing."""
    declared = declared.upper()
    if declared in ("BOOLEAN", "BOOL"):
        return "boolean"
    if "INT" in declared:
        return "integer"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if not declared or "BLOB" in declared or (strict and declared == "ANY"):
        return "any"
    return "real" if any(word in declared for word in ("REAL", "FLOA", "DOUB")) else ""
