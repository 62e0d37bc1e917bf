"""What became of the tables and columns since they were watched: renamed, or dropped."""

import sqlite3
from collections.abc import Iterable

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.sqlite import baseline as baselines
from indelible.capture.sqlite.names import PREFIX, ROWID, quote
from indelible.capture.sqlite.registry import Watched, forget, installed, known, known_as, let_go, newest

CREATED = f"{PREFIX}create_"  # the trigger that names each recorded column, in their order


def renamed(db: sqlite3.Connection) -> dict[str, str]:
    """Tables by the name that they have now: what each was called when it was watched."""
    return {
        table: earlier
        for table, names in installed(db).items()
        for earlier in map(str, map(known_as, names))
        if earlier != table
    }


def passed_on(db: sqlite3.Connection, existing: list[str]) -> list[str]:
    """Tables whose name another one has now: that one's triggers need it."""
    return [table for table, earlier in renamed(db).items() if earlier in existing]


def until_now(db: sqlite3.Connection, existing: list[str], tables: Iterable[str]) -> dict[str, Watched]:
    """How each table was watched last, by its name now, once what became of `tables` is on record.

    Of all before the first is watched anew: a name may have gone to another table.
    """
    taken = _take_along(db, existing, tables)
    return newest(db) | taken


def _take_along(db: sqlite3.Connection, existing: list[str], tables: Iterable[str]) -> dict[str, Watched]:
    """Of renamed tables. Where a name has gone to another one, the log could not tell the one's rows from the other's:
    both begin anew.
    """
    taken = {}
    for table, earlier in renamed(db).items():
        before = newest(db).get(earlier)
        if table not in tables or before is None or not before.records:
            continue
        if earlier in existing:
            end(db, before)
        else:
            if (gone := newest(db).get(table)) is not None and gone.records:
                end(db, gone)  # it had the name before
            forget(db, earlier)
            baselines.renamed(db, earlier, table)
            taken[table] = before
    return taken


def as_called_now(db: sqlite3.Connection, table: str, definition: Definition) -> Definition:
    """Renamed columns: SQLite has rewritten the triggers, and neither moves a column nor drops one that they name."""
    created = next((sql for name, sql in installed(db).get(table, {}).items() if name.startswith(CREATED)), "")
    names = [name for name in definition.row_key if name in ROWID]  # it stands first, and is no column
    names += [name for name, _ in known(db, table).columns if f"NEW.{quote(name)}" in created]
    if len(names) != len(definition.columns):
        return definition
    pairs = zip(definition.columns, names, strict=True)
    return msgspec.structs.replace(definition, columns=[msgspec.structs.replace(c, name=now) for c, now in pairs])


def end_dropped(db: sqlite3.Connection, existing: list[str]) -> None:
    moved = {known_as(name) for triggers in installed(db).values() for name in triggers}
    for table, watched in newest(db).items():
        if watched.records and table not in existing and table not in moved:
            end(db, watched)


def end(db: sqlite3.Connection, watched: Watched) -> None:
    let_go(db, watched)
    baselines.end(db, watched.table)
