"""Installs capture in an SQLite database: all of it in one transaction, or nothing."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from indelible.actions import ActionMap, TableMap
from indelible.capture.definition import (
    Definition,
    chosen,
    define,
    excluded,
    in_force,
    keep_hidden,
    told_apart,
    was_strict,
)
from indelible.capture.sqlite import baseline as baselines
from indelible.capture.sqlite.coverage import coverage
from indelible.capture.sqlite.describe import describe, table_names
from indelible.capture.sqlite.moved import as_called_now, end, end_dropped, passed_on, renamed, until_now
from indelible.capture.sqlite.names import quote
from indelible.capture.sqlite.opening import why
from indelible.capture.sqlite.registry import (
    Watched,
    installed,
    newest,
    register,
    runs_before_ours,
)
from indelible.capture.sqlite.schema import prepare
from indelible.capture.sqlite.shape import Shape, read_shape
from indelible.capture.sqlite.strict import index as strict_index
from indelible.capture.sqlite.tape import nobody_from_here
from indelible.capture.sqlite.triggers import triggers
from indelible.capture.sqlite.writing import writing
from indelible.errors import CaptureError, MapError


class Plan(NamedTuple):
    """How a table is to be watched."""

    definition: Definition
    shape: Shape


def install(
    db: sqlite3.Connection,
    tables: Iterable[str] | None,
    action_map: ActionMap | None,
    *,
    strict: bool | None = False,
    baseline: bool = True,
) -> list[str]:
    """Watch `tables` (None: all but the excluded); gives their names. Repeatable; all of it or nothing.

    Without a map, or `strict`, what was said before holds.

    Raises CaptureError or MapError before anything is written, when a table or the map cannot be used. The rows that
    are there are recorded after that, page by page; whatever ends it, the next time goes on.
    """
    try:
        existing, before = table_names(db), watched(db)
        ever = watched(db, ended=True)
        seen = {name: as_called_now(db, name, ever[name]) for name in existing if name in ever}
        action_map = in_force(before, existing) if action_map is None else action_map
        wanted = chosen(existing, tables, action_map)
        also = [name for name in passed_on(db, existing) if name not in wanted]
        wanted += [name for name in also if action_map.table(name).exclude is None]
        maps = {name: msgspec.structs.replace(action_map.table(name), exclude=None) for name in wanted}
        plans = _plans(db, maps, before, seen, strict=strict)
        with writing(db):
            drifted = {each.table: each.found for each in coverage(db) if each.state == "drifted"}
            prepare(db, *zip(*plans, strict=True)) if plans else prepare(db, (), ())
            nobody_from_here(db)
            out = [name for name in existing if action_map.table(name).exclude and name not in wanted]
            last = until_now(db, existing, [*wanted, *out])
            watches = [
                _install_one(db, plan, last.get(name := plan.definition.table), drifted.get(name), baseline=baseline)
                for plan in plans
            ]
            _exclude(db, out, action_map, last, seen)
            end_dropped(db, existing)
            strict_index(db)
    except sqlite3.Error as error:
        raise CaptureError(f"The database cannot be watched: {why(error)} Nothing was changed in it.") from error
    try:
        for plan, watch in zip(plans, watches, strict=True):
            baselines.record(db, plan.definition, watch, plan.shape)
    except sqlite3.Error as error:
        raise CaptureError(f"What the tables hold is not all recorded: {error}. Watch again to go on.") from error
    return wanted


def remove(db: sqlite3.Connection, table: str) -> None:
    """Stop watching. Raises CaptureError for a table that is not watched."""
    try:
        with writing(db):
            there = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'indelible_watch'").fetchone()
            watched = newest(db).get(table) if there else None
            if watched is None or not watched.records:
                raise CaptureError(f"The table {table!r} is not watched, so there is nothing to end.")
            prepare(db, (), ())
            _drop(db, installed(db).get(table, {}))
            end(db, watched)
            strict_index(db)
    except sqlite3.Error as error:
        raise CaptureError(f"Watching {table!r} cannot be ended: {why(error)} Nothing was changed.") from error


def watched(db: sqlite3.Connection, *, ended: bool = False) -> dict[str, Definition]:
    """How each table was watched last, by its name now: SQLite took the triggers of a renamed one along.

    `ended`: also where watching it was ended since.
    """
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'indelible_watch'").fetchone():
        return {}
    there = newest(db, ended=ended)
    then = {name: watched.definition for name, watched in there.items() if watched.definition is not None}
    return then | {table: then[earlier] for table, earlier in renamed(db).items() if earlier in then}


def _plans(
    db: sqlite3.Connection,
    maps: Mapping[str, TableMap],
    before: Mapping[str, Definition],
    seen: Mapping[str, Definition],
    *,
    strict: bool | None,
) -> list[Plan]:
    """Who names a table wants it watched, whatever the map excludes."""
    definitions = told_apart(
        keep_hidden(
            seen.get(name),
            define(describe(db, name), table_map, strict=was_strict(before.get(name)) if strict is None else strict),
        )
        for name, table_map in maps.items()
    )
    for definition in definitions:
        if hashed := [column.name for column in definition.columns if column.mask == "hashed"]:
            raise MapError(
                f"The map, table [{definition.table}], hash: SQLite has no hash function, and {hashed[0]!r} must not "
                "leave its table as it is. Redact it instead."
            )
    return [Plan(definition, read_shape(db, definition.table)) for definition in definitions]


def _install_one(
    db: sqlite3.Connection, plan: Plan, before: Watched | None, drifted: str | None, *, baseline: bool
) -> int:
    table, there = plan.definition.table, installed(db).get(plan.definition.table, {})
    watch = register(db, before, plan.definition, drifted)
    if baseline and not (before and before.records):
        baselines.begin(db, table)
    wanted = triggers(plan.definition, watch, plan.shape)
    if runs_before_ours(db, table):  # made anew, ours do
        _drop(db, there)
        there = {}
    _drop(db, {name for name, sql in there.items() if wanted.get(name) != sql})
    for name, sql in wanted.items():
        if there.get(name) != sql:
            db.execute(f"DROP TRIGGER IF EXISTS {quote(name)}")  # on a table that has changed names with this one
            db.execute(sql)
    return watch


def _exclude(
    db: sqlite3.Connection,
    tables: list[str],
    action_map: ActionMap,
    last: Mapping[str, Watched],
    seen: Mapping[str, Definition],
) -> None:
    """The reasons are kept, for `coverage` to tell."""
    for name in tables:
        _drop(db, installed(db).get(name, {}))
        definition = keep_hidden(seen.get(name), excluded(name, action_map.table(name)))
        register(db, last.get(name), definition)


def _drop(db: sqlite3.Connection, names: Iterable[str]) -> None:
    for name in names:
        db.execute(f"DROP TRIGGER {quote(name)}")
