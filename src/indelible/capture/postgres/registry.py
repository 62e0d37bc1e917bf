"""How each table is watched, and was: rows of indelible.watch, each change of which is put on record."""

from typing import Any, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.rows import DictRow

from indelible.capture.definition import Definition, renamed
from indelible.capture.notes import Note, by_whoever_acts, note
from indelible.capture.postgres.describe import Relation, TypedColumn
from indelible.capture.postgres.sql import WATCH
from indelible.capture.postgres.triggers import Trigger

Database = Connection[DictRow]


class Attribute(NamedTuple):
    """A column as it was."""

    name: str
    type: str
    number: int = 0  # an older version did not keep it


Shape = list[Attribute]


class Watched(NamedTuple):
    """A row of indelible.watch: how a table is watched since then; without a definition, no longer."""

    id: int
    table: str
    definition: Definition | None
    shape: Shape


def newest(db: Database, relation: int, *, ended: bool = False) -> Watched | None:
    """How a table is watched now; None if it never was. `ended`: how it was watched, where that was ended since."""
    return _newest(db, "newest", {"relation": relation, "ended": ended})


def past(db: Database, relation: Relation, columns: list[TypedColumn], *, ended: bool = False) -> Definition | None:
    """The same, for what holds from before: of a column that was renamed, or a table that was remade or restored."""
    last = newest(db, relation.oid, ended=ended)
    if last is None:
        last = _newest(db, "newest_of_its_name", {"table": relation.known_as, "ended": ended})
        return last and last.definition
    now = {each.number: each.column.name for each in columns}
    return last.definition and renamed(
        last.definition, {each.name: now.get(each.number, each.name) for each in last.shape}
    )


def shape(columns: list[TypedColumn]) -> Shape:
    return [Attribute(each.column.name, each.declared, each.number) for each in columns]


def register(
    db: Database, relation: Relation, definition: Definition, columns: list[TypedColumn], drifted: str | None = None
) -> int:
    """The id of this way of watching the table; a new one, and a note of it, if anything about it is new."""
    then = newest(db, relation.oid)
    said = note(definition.table, then and then.definition, definition, drifted)
    if then is not None and (then.definition, then.shape) == (definition, shape(columns)):
        _say(db, then.id, said)
        return then.id
    watch = _add(db, relation.oid, definition.table, definition, columns)
    _say(db, watch, said)
    if then is not None:
        db.execute(WATCH["go_on_with_baseline"], {"watch": watch, "then": then.id})
    unseen = then is None or then.definition is None or then.definition.map.exclude
    if unseen and not definition.map.exclude:
        db.execute(WATCH["begin_baseline"], {"watch": watch})
    return watch


def let_go(db: Database, relation: int, table: str, before: Definition | None) -> None:
    """The table is not watched any more."""
    _say(db, _add(db, relation, table, None, []), note(table, before, None))


def settle(db: Database) -> None:
    """From here on what is known of tables is of this database, and tells them by their oids."""
    if db.execute(WATCH["settled"]).fetchone() == {"settled": False}:
        db.execute(WATCH["settle"])


def computing(db: Database, relation: Relation) -> dict[str, str | None]:
    """The functions of a table's virtual columns as they are, by name; without a body where they were set otherwise."""
    rows = db.execute(WATCH["functions"], {"relation": relation.oid})
    return {row["name"]: None if row["set"] else row["body"] for row in rows if row["computes"]}


def installed(db: Database, relation: Relation) -> dict[str, tuple[Any, ...]]:
    """Our triggers of a table as they are, by name; `expected` says how they should be."""
    rows = db.execute(WATCH["triggers"], {"relation": relation.oid})
    return {
        row["name"]: (row["enabled"], row["kind"], row["plain"], row["function"], row["body"], sorted(row["settings"]))
        for row in rows
    }


def expected(trigger: Trigger) -> tuple[Any, ...]:
    settings = [setting.replace(" = ", "=").replace("'", "") for setting in trigger.settings]
    return ("A", trigger.kind, True, trigger.function, trigger.body, sorted(settings))


def _newest(db: Database, statement: str, values: dict[str, Any]) -> Watched | None:
    row = db.execute(WATCH[statement], values).fetchone()
    if row is None:
        return None
    definition = row["definition"] and msgspec.json.decode(row["definition"], type=Definition)
    return Watched(row["id"], row["table_name"], definition, msgspec.json.decode(row["shape"] or "[]", type=Shape))


def _add(db: Database, relation: int, table: str, definition: Definition | None, columns: list[TypedColumn]) -> int:
    values: dict[str, Any] = {"relation": relation, "table": table, "definition": None, "shape": None}
    if definition is not None:
        values |= {"definition": _json(definition), "shape": _json(shape(columns))}
    (watch,) = (row["id"] for row in db.execute(WATCH["add"], values).fetchall())
    return int(watch)


def _say(db: Database, watch: int, said: Note | None) -> None:
    if said is not None:
        db.execute(WATCH["note"], {"watch": watch, "context": by_whoever_acts(), "note": _json(said)})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
