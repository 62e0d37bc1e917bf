"""Is every table still watched as it was left? Looks at the tables and triggers themselves, not at what was noted.

What it cannot see: a connection that switches its triggers off (SQLITE_DBCONFIG_ENABLE_TRIGGER), while it writes.
"""

import sqlite3
from collections.abc import Iterator

from indelible.capture.coverage import DROPPED, Coverage, columns_drifted
from indelible.capture.sqlite.describe import describe, table_names
from indelible.capture.sqlite.opening import why
from indelible.capture.sqlite.registry import Known, Watched, installed, known, known_as, newest, runs_before_ours
from indelible.capture.sqlite.shape import read_shape
from indelible.capture.sqlite.triggers import triggers
from indelible.errors import CaptureError

UNSEEN = "its triggers are gone, and no change was recorded since"


def coverage(db: sqlite3.Connection) -> list[Coverage]:
    """Each table of the application, by name; and those that are watched and gone."""
    try:
        names = table_names(db)
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'indelible_watch'").fetchone():
            return [Coverage(name, "not covered") for name in names]
        watched, there = newest(db), installed(db)
        told = [_covered(db, name, watched.get(name), there) for name in names]
        moved = {known_as(name) for triggers in there.values() for name in triggers}
        gone = [each.table for each in watched.values() if each.records and each.table not in {*names, *moved}]
    except sqlite3.Error as error:
        raise CaptureError(f"The database cannot be looked at: {why(error)}") from error
    return sorted([*told, *(Coverage.drifted(name, DROPPED) for name in gone)])


def _covered(db: sqlite3.Connection, name: str, watched: Watched | None, there: dict[str, dict[str, str]]) -> Coverage:
    mine = there.get(name, {})
    if earlier := {known_as(trigger) for trigger in mine} - {name}:
        was = min(map(str, earlier))
        return Coverage.drifted(name, f"the table was watched as {was!r} and renamed since")
    if watched is None or watched.definition is None:
        return Coverage(name, "not covered")
    if watched.definition.map.exclude:
        return Coverage(name, "excluded", watched.definition.map.exclude)
    moved = [table for table, names in there.items() if table != name and name in map(known_as, names)]
    if not mine and moved:
        return Coverage.drifted(name, f"the table that was watched is called {moved[0]!r} now")
    reason = next(_drifts(db, watched, mine), None) if mine else _unseen(db, watched)
    return Coverage.drifted(name, reason) if reason else Coverage(name, "watched")


def _unseen(db: sqlite3.Connection, watched: Watched) -> str:
    """The table was made anew, as migrations alter one, or somebody took its triggers away."""
    changed = watched.known and columns_drifted(watched.known.columns, known(db, watched.table).columns)
    return f"{UNSEEN}; {changed}" if changed else UNSEEN


def _drifts(db: sqlite3.Connection, watched: Watched, there: dict[str, str]) -> Iterator[str]:
    """Each thing that is not as `watch` left it."""
    assert watched.definition is not None  # noqa: S101 - asked by the caller
    then, now = watched.known or Known(), known(db, watched.table)
    if watched.known is None:
        yield "the table is watched by an earlier version"
    if changed := columns_drifted(then.columns, now.columns):
        yield changed
        return
    if new := set(now.uniques) - set(then.uniques):
        yield f"the unique index {', '.join(sorted(new))} was made since"
    if lost := set(then.uniques) - set(now.uniques):
        yield f"the unique index {', '.join(sorted(lost))} is gone"
    if watched.definition.row_key != describe(db, watched.table).primary_key:
        yield "the key of the table is another one"
        return
    if other := runs_before_ours(db, watched.table):
        yield f"the trigger {other!r} was made since: what it writes is told before what it was made for"
    wanted = triggers(watched.definition, watched.id, read_shape(db, watched.table))
    for name, sql in wanted.items():
        if name not in there:
            yield f"the trigger {name} is missing"
        elif there[name] != sql:
            yield f"the trigger {name} is not as this version makes it"
