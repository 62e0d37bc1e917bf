"""Installs capture in a PostgreSQL database: all of it in one transaction, or nothing."""

from collections.abc import Iterable

import msgspec

from indelible.actions import ActionMap
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
from indelible.capture.postgres.computed import Function, functions
from indelible.capture.postgres.coverage import coverage
from indelible.capture.postgres.describe import Relation, TypedColumn, describe, members, relations
from indelible.capture.postgres.names import SCHEMA, quote
from indelible.capture.postgres.registry import (
    Database,
    computing,
    expected,
    installed,
    let_go,
    newest,
    past,
    register,
    settle,
)
from indelible.capture.postgres.setup import set_up
from indelible.capture.postgres.sql import WATCH
from indelible.capture.postgres.triggers import Trigger, triggers, truncation
from indelible.errors import CaptureError


def install(
    db: Database,
    tables: Iterable[str] | None,
    action_map: ActionMap | None,
    *,
    strict: bool | None = False,
    baseline: bool = True,
) -> list[str]:
    """Watch `tables` (None: all but the excluded); gives their names. Repeatable.

    Without a map, or `strict`, what was said before holds.

    Raises CaptureError or MapError before anything is written, or nothing is written.
    """
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('indelible watch'))")  # one at a time
        found = relations(db)
        drifted = {each.table: each.found for each in coverage(db) if each.state == "drifted"}
        set_up(db)
        described = {name: describe(db, each) for name, each in found.items()}
        known = {name: past(db, each, described[name][1]) for name, each in found.items()}
        then = {name: definition for name, definition in known.items() if definition is not None}
        action_map = in_force(then, found) if action_map is None else action_map
        wanted = chosen(list(found), tables, action_map)
        hidden_by = {name: past(db, each, described[name][1], ended=True) for name, each in found.items()}
        defined = told_apart(
            keep_hidden(
                hidden_by.get(name),
                define(
                    described[name][0],
                    action_map.table(name),
                    strict=was_strict(then.get(name)) if strict is None else strict,
                ),
            )
            for name in wanted
        )
        before = db.execute(WATCH["last"]).fetchone()
        _let_go(db)
        for definition in defined:
            table = definition.table
            _install_one(db, found[table], definition, described[table][1], drifted.get(table))
        for name in action_map.names() - set(wanted):
            if action_map.table(name).exclude:
                definition = keep_hidden(hidden_by.get(name), excluded(name, action_map.table(name)))
                register(db, found[name], definition, described[name][1])
                _take_off(db, found[name].oid)
        if not baseline:
            db.execute(WATCH["no_baseline"], before)
    return wanted


def watched(db: Database) -> dict[str, Definition]:
    """How each table is watched now, or why it is not, by its name now."""
    if db.execute("SELECT to_regclass('indelible.watch') AS there").fetchone() == {"there": None}:
        return {}
    last = {name: newest(db, relation.oid) for name, relation in relations(db).items()}
    return {name: each.definition for name, each in last.items() if each is not None and each.definition is not None}


def _install_one(
    db: Database, relation: Relation, definition: Definition, columns: list[TypedColumn], drifted: str | None
) -> None:
    watch = register(db, relation, definition, columns, drifted)
    stale = _put_functions(db, relation, functions(definition, columns))
    _put(db, relation, triggers(definition, relation, columns, watch))
    if relation.partitioned:
        for member in members(db, relation):
            _put(db, member, [truncation(definition, relation, columns, watch)])
    for name in stale:
        db.execute(f"DROP FUNCTION {SCHEMA}.{quote(name)}(record)")


def _let_go(db: Database) -> None:
    """Tables that were dropped, or are partitions now, are watched no more; nor those that a dump tells of."""
    dropped = db.execute(WATCH["dropped"]).fetchall()
    for row in dropped:
        let_go(db, row["relation"], row["table_name"], msgspec.json.decode(row["definition"], type=Definition))
    settle(db)
    for row in dropped:
        _take_off(db, row["relation"])


def _put_functions(db: Database, relation: Relation, wanted: list[Function]) -> list[str]:
    """What the triggers call. Gives the names of those that they will not call any more."""
    there = computing(db, relation)
    for function in wanted:
        if there.pop(function.name, None) != function.body:
            db.execute(function.create())
            db.execute(f"REVOKE ALL ON FUNCTION {function.signature} FROM PUBLIC")
    return list(there)


def _put(db: Database, relation: Relation, wanted: list[Trigger]) -> None:
    """Triggers that are there as they should be are left alone: making one locks the table."""
    there = installed(db, relation)
    for trigger in wanted:
        if there.pop(trigger.name, None) == expected(trigger):
            continue
        db.execute(trigger.create_function())
        db.execute(f"REVOKE ALL ON FUNCTION {SCHEMA}.{quote(trigger.function)}() FROM PUBLIC")
        db.execute(f"DROP TRIGGER IF EXISTS {quote(trigger.name)} ON {relation.quoted}")
        db.execute(trigger.create_trigger(relation.quoted))
        # Also where session_replication_role = replica switches the ordinary ones off.
        db.execute(f"ALTER TABLE {relation.quoted} ENABLE ALWAYS TRIGGER {quote(trigger.name)}")
    for name in there:
        db.execute(f"DROP TRIGGER {quote(name)} ON {relation.quoted}")


def remove(db: Database, table: str) -> None:
    """Stop watching. Raises CaptureError for a table that is not watched."""
    with db.transaction():
        relation = relations(db).get(table)
        then = newest(db, relation.oid) if relation else None
        if relation is None or then is None or then.definition is None:
            raise CaptureError(f"The table {table!r} is not watched, so there is nothing to end.")
        let_go(db, relation.oid, table, then.definition)
        _take_off(db, relation.oid)


def _take_off(db: Database, relation: int) -> None:
    """What the triggers of a table run, and with that the triggers: of the table, and of its partitions."""
    for row in db.execute(WATCH["functions"], {"relation": relation}).fetchall():
        db.execute(f"DROP FUNCTION {row['signature']} CASCADE")
