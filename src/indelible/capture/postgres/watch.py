"""Installs capture in a PostgreSQL database: all of it in one transaction, or nothing."""

from collections.abc import Iterable
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import DictRow

from indelible.actions import ActionMap
from indelible.capture.definition import Definition, chosen, define
from indelible.capture.postgres.describe import Relation, TypedColumn, describe, members, relations
from indelible.capture.postgres.names import PREFIX, SCHEMA, quote
from indelible.capture.postgres.sql import SETUP, WATCH
from indelible.capture.postgres.triggers import Trigger, triggers, truncation
from indelible.errors import CaptureError

Database = Connection[DictRow]


def install(db: Database, tables: Iterable[str] | None, action_map: ActionMap, *, strict: bool = False) -> list[str]:
    """Watch `tables` (None: all but the excluded) and the children they have; gives their names. Repeatable.

    Raises CaptureError or MapError before anything is written, or nothing is written.
    """
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('indelible watch'))")  # one at a time
        found = relations(db)
        wanted = chosen(list(found), tables, action_map)
        described = {name: describe(db, found[name]) for name in wanted}
        defined = {name: define(table, action_map.table(name), strict=strict) for name, (table, _) in described.items()}
        db.execute(SETUP)
        for name, definition in defined.items():
            _install_one(db, found[name], definition, described[name][1])
    return wanted


def _install_one(db: Database, relation: Relation, definition: Definition, columns: list[TypedColumn]) -> None:
    watch = _watch(db, relation, definition, columns)
    _put(db, relation, triggers(definition, relation, columns, watch))
    if relation.partitioned:
        for member in members(db, relation):
            _put(db, member, [truncation(definition, member, columns, watch)])


def _watch(db: Database, relation: Relation, definition: Definition, columns: list[TypedColumn]) -> int:
    """The id of this way of watching the table; a new one if anything about it is new."""
    shape = msgspec.json.encode([(each.column.name, each.declared) for each in columns]).decode()
    values: dict[str, Any] = {
        "relation": relation.oid, "table": definition.table, "shape": shape,
        "definition": msgspec.json.encode(definition).decode(),
    }  # fmt: skip
    newest = db.execute(WATCH["newest"], values).fetchone()
    if newest and (newest["definition"], newest["shape"]) == (values["definition"], shape):
        return int(newest["id"])
    made = db.execute(WATCH["add"], values).fetchone()
    assert made is not None  # noqa: S101 - RETURNING gives the row it inserted
    return int(made["id"])


def _put(db: Database, relation: Relation, wanted: list[Trigger]) -> None:
    """Triggers that are there as they should be are left alone: making one locks the table."""
    there = installed(db, relation)
    for trigger in wanted:
        if there.pop(trigger.name, None) == expected(trigger):
            continue
        db.execute(trigger.create_function())
        db.execute(f"REVOKE ALL ON FUNCTION {SCHEMA}.{quote(trigger.function)}() FROM PUBLIC")
        db.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {relation.quoted}")
        db.execute(trigger.create_trigger(relation.quoted))
        # Also where session_replication_role = replica switches the ordinary ones off.
        db.execute(f"ALTER TABLE {relation.quoted} ENABLE ALWAYS TRIGGER {trigger.name}")
    for name in there:
        db.execute(f"DROP TRIGGER {quote(name)} ON {relation.quoted}")


def installed(db: Database, relation: Relation) -> dict[str, tuple[Any, ...]]:
    """Our triggers of a table as they are, by name; `expected` says how they should be."""
    rows = db.execute(WATCH["triggers"], {"relation": relation.oid, "prefix": PREFIX.replace("_", "\\_") + "%"})
    return {
        row["name"]: (row["enabled"], row["kind"], row["function"], row["body"], sorted(row["settings"]))
        for row in rows
    }


def expected(trigger: Trigger) -> tuple[Any, ...]:
    settings = [setting.replace(" = ", "=").replace("'", "") for setting in trigger.settings]
    return ("A", trigger.kind, trigger.function, trigger.body, settings)


def remove(db: Database, table: str) -> None:
    """Stop watching. Raises CaptureError for a table that is not watched."""
    with db.transaction():
        relation = relations(db).get(table)
        there = relation and installed(db, relation)
        if relation is None or not there:
            raise CaptureError(f"The table {table!r} is not watched.")
        for member in (relation, *members(db, relation)):
            for name, (*_, function, _body, _settings) in installed(db, member).items():
                db.execute(f"DROP TRIGGER IF EXISTS {quote(name)} ON {member.quoted}")
                db.execute(f"DROP FUNCTION IF EXISTS {SCHEMA}.{quote(function)}()")
        db.execute(WATCH["add"], {"relation": relation.oid, "table": table, "definition": None, "shape": None})
