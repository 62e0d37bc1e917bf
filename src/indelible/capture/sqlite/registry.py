"""How each table is watched, and was: rows of indelible_watch, each change of which is put on record."""

import re
import sqlite3
from typing import NamedTuple, TypeVar

import msgspec

from indelible.capture.context import carry, new_transaction
from indelible.capture.definition import Definition
from indelible.capture.notes import Note, by_whoever_acts, note
from indelible.capture.sqlite.names import OPERATIONS, PREFIX

T = TypeVar("T")
_AFTER = re.compile(r"((?!\bBEGIN\b).)*\bAFTER\b", re.IGNORECASE | re.DOTALL)


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What a table looked like: columns with their types, and unique indexes."""

    columns: list[tuple[str, str]] = []
    uniques: list[str] = []


class Watched(NamedTuple):
    """How a table is watched since then; without a definition, no longer."""

    id: int
    table: str
    definition: Definition | None
    known: Known | None  # None: watched by a version that did not keep it

    @property
    def records(self) -> bool:
        return self.definition is not None and not self.definition.map.exclude


NEWEST = "SELECT id, table_name, definition, {} FROM indelible_watch WHERE {} ORDER BY id"
NOTE = """INSERT INTO indelible_outbox (token, watch, operation, at, context, n0)
VALUES (random(), ?, 'note', julianday('now'), ?, ?)"""


def newest(db: sqlite3.Connection, *, ended: bool = False) -> dict[str, Watched]:
    """Every table that ever was watched, as the newest row has it; `ended`: that with how it was watched."""
    kept = "shape" in [row[1] for row in db.execute("PRAGMA table_info(indelible_watch)")]
    return {
        table: Watched(id_, table, _decoded(text, Definition), _decoded(shape, Known))
        for id_, table, text, shape in db.execute(
            NEWEST.format("shape" if kept else "NULL", "definition IS NOT NULL" if ended else "true")
        )
    }


def known(db: sqlite3.Connection, table: str) -> Known:
    columns = db.execute("SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", (table,))
    uniques = "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND origin = 'c' ORDER BY name"
    return Known(list(columns), [name for (name,) in db.execute(uniques, (table,))])


def register(db: sqlite3.Connection, before: Watched | None, definition: Definition, drifted: str | None = None) -> int:
    """The id of this way of watching the table; a new one, and a note of it, if anything about it is new."""
    now = known(db, definition.table)
    if before is None or (before.table, before.definition, before.known) != (definition.table, definition, now):
        watch = _add(db, definition.table, definition, now)
    else:
        watch = before.id
    _say(db, watch, note(definition.table, before and before.definition, definition, drifted))
    return watch


def let_go(db: sqlite3.Connection, before: Watched) -> None:
    """The table is not watched any more."""
    _say(db, _add(db, before.table, None, None), note(before.table, before.definition, None))


def forget(db: sqlite3.Connection, table: str) -> None:
    """Nothing ends: what was watched under this name is watched under another."""
    db.execute("INSERT INTO indelible_watch (table_name) VALUES (?)", (table,))


def installed(db: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Our triggers on the application's tables: table to name to statement."""
    found: dict[str, dict[str, str]] = {}
    for table, name, sql in db.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'"):
        if known_as(name) is not None:
            found.setdefault(table, {})[name] = sql
    return found


def runs_before_ours(db: sqlite3.Connection, table: str) -> str | None:
    """A trigger of the application's, if there is one: SQLite begins with the one that was made last.

    What such a one writes would be told before the change that it was made for.
    """
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE ORDER BY rowid"
    found = db.execute(query, (table,)).fetchall()
    first = next((place for place, (name, _) in enumerate(found) if known_as(name) is not None), len(found))
    later = found[first:]
    return next((name for name, sql in later if known_as(name) is None and _AFTER.match(sql)), None)


def known_as(trigger: str) -> str | None:
    """The name that the table of one of our triggers had when it was made."""
    operation, _, table = trigger.removeprefix(PREFIX).partition("_")
    return table if trigger.startswith(PREFIX) and operation in OPERATIONS else None


def _add(db: sqlite3.Connection, table: str, definition: Definition | None, now: Known | None) -> int:
    insert = "INSERT INTO indelible_watch (table_name, definition, shape) VALUES (?, ?, ?) RETURNING id"
    ((watch,),) = db.execute(insert, (table, definition and _json(definition), now and _json(now))).fetchall()
    return int(watch)


def _say(db: sqlite3.Connection, watch: int, said: Note | None) -> None:
    if said is not None:
        db.execute(NOTE, (watch, carry(new_transaction(), by_whoever_acts()), _json(said)))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _decoded(text: str | None, kind: type[T]) -> T | None:
    return None if text is None else msgspec.json.decode(text, type=kind)
