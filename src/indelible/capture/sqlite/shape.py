"""What makes the rows of a table different from each other: its rowid or primary key, and every unique index."""

import re
import sqlite3
from typing import NamedTuple

from indelible.capture.sqlite.clauses import index_parts
from indelible.capture.sqlite.names import held, quote, rowid, small
from indelible.errors import CaptureError

# A default that is a name stands for a text, quoted or not; but for these.
_NAME = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^]]*\]|[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*')
_VALUES = {"NULL", "TRUE", "FALSE", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"}


class Part(NamedTuple):
    """One column or expression of an index: of a row that is there, and of NEW."""

    held: str
    given: str


class Unique(NamedTuple):
    """No two rows are alike in all `parts`, among those for which `where` holds."""

    parts: list[Part]
    where: str | None
    columns: list[str] | None  # None: an expression or a generated column has a say in it


class Shape(NamedTuple):
    """`key` tells a row from every other: column and collation."""

    rowid: str | None  # what the rowid is called here; None in a table WITHOUT ROWID
    key: list[tuple[str, str]]
    uniques: list[Unique]
    cascades: bool  # a row that is deleted may change others of the same table


class _Column(NamedTuple):
    name: str
    default: str | None  # what OR REPLACE puts in the place of NULL
    generated: bool
    key: int


def read_shape(db: sqlite3.Connection, table: str) -> Shape:
    """Raises CaptureError for a table whose rowid cannot be named."""
    columns = _columns(db, table)
    (without,) = db.execute("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchone()
    query = 'SELECT name, origin, partial FROM pragma_index_list(?) WHERE "unique" ORDER BY name'
    indexes = db.execute(query, (table,)).fetchall()
    uniques = [_unique(db, table, name, columns) for name, origin, _ in indexes if not (without and origin == "pk")]
    if without:
        key = next(_parts(db, name) for name, origin, _ in indexes if origin == "pk")
        named = [(columns[cid].name, collation) for cid, collation in key]
        uniques = [_plain(table, [columns[cid] for cid, _ in key], named), *uniques]
        return Shape(None, named, uniques, _cascades(db, table))
    name = _rowid(table, columns, [origin for _, origin, _ in indexes])
    return Shape(name, [(name, "BINARY")], uniques, _cascades(db, table))


def _columns(db: sqlite3.Connection, table: str) -> list[_Column]:
    """In the order of their numbers."""
    query = 'SELECT name, "notnull", dflt_value, hidden, pk FROM pragma_table_xinfo(?) ORDER BY cid'
    return [
        _Column(name, _default(default) if required and default else None, hidden > 1, pk)
        for name, required, default, hidden, pk in db.execute(query, (table,))
    ]


def _rowid(table: str, columns: list[_Column], origins: list[str]) -> str:
    """An INTEGER PRIMARY KEY is the rowid: it alone has no index."""
    keys = [column.name for column in columns if column.key]
    if keys and "pk" not in origins:
        return keys[0]
    if (name := rowid(column.name for column in columns)) is None:
        raise CaptureError(f"The table {table!r} hides its rowid: it has columns rowid, _rowid_ and oid. Rename one.")
    return name


def _cascades(db: sqlite3.Connection, table: str) -> bool:
    """Whether foreign keys lead from this table back to it, with an action that changes its rows."""
    own = db.execute("SELECT on_delete FROM pragma_foreign_key_list(?)", (table,)).fetchall()
    if {("SET NULL",), ("SET DEFAULT",)}.isdisjoint(own):
        return False
    query = """SELECT lower(child.name), lower(refers."table") FROM pragma_table_list AS child
    JOIN pragma_foreign_key_list(child.name) AS refers
    WHERE child.schema = 'main' AND refers.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')"""
    found, links = {small(table)}, db.execute(query).fetchall()
    while further := {child for child, parent in links if parent in found} - found:
        found |= further
    return any(child == small(table) and parent in found for child, parent in links)


def _default(text: str) -> str:
    """What a column's DEFAULT says, as an expression that says the same in a trigger: there a name is a column's."""
    if not _NAME.fullmatch(text) or text.upper() in _VALUES:
        return f"{text}\n" if "--" in text else text  # a comment ends with its line
    mark = text[0] if text[0] in '"`' else ""
    plain = text[1:-1].replace(mark * 2, mark) if mark else text[1:-1] if text[0] == "[" else text
    return "'" + plain.replace("'", "''") + "'"


def _parts(db: sqlite3.Connection, index: str) -> list[tuple[int, str]]:
    """Number of the column (-2: an expression) and collation."""
    return db.execute("SELECT cid, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (index,)).fetchall()


def _unique(db: sqlite3.Connection, table: str, index: str, columns: list[_Column]) -> Unique:
    found = _parts(db, index)
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (index,)).fetchone()
    if sql is None:  # of a UNIQUE or PRIMARY KEY in the table's own definition: columns only
        return _plain(table, [columns[cid] for cid, _ in found], [(columns[cid].name, coll) for cid, coll in found])
    texts, where = index_parts(sql)
    given = ", ".join(f"NEW.{quote(column.name)} AS {quote(column.name)}" for column in columns)
    parts, plain = [], []
    for (cid, collation), text in zip(found, texts, strict=True):
        if cid >= 0:
            parts.append(_part(table, columns[cid], collation))
            plain.append(columns[cid])
        else:
            new = f"(SELECT {text} FROM (SELECT {given}) AS {quote(table)})"
            parts.append(Part(f"({text})", f"{new} COLLATE {quote(collation)}"))
    known = len(plain) == len(found) and not any(column.generated for column in plain) and where is None
    return Unique(parts, where, [column.name for column in plain] if known else None)


def _plain(table: str, columns: list[_Column], key: list[tuple[str, str]]) -> Unique:
    """Of columns alone."""
    parts = [_part(table, column, collation) for column, (_, collation) in zip(columns, key, strict=True)]
    known = None if any(column.generated for column in columns) else [column.name for column in columns]
    return Unique(parts, None, known)


def _part(table: str, column: _Column, collation: str) -> Part:
    new = f"NEW.{quote(column.name)}"
    given = f"coalesce({new}, {column.default})" if column.default else new
    _, rows = held(table)
    return Part(f"{rows}.{quote(column.name)}", f"{given} COLLATE {quote(collation)}")
