"""One captured change, read from its outbox row."""

import logging
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from indelible.capture.definition import Column, Definition
from indelible.capture.notes import OPERATIONS, Note, definition_of
from indelible.capture.record import DAMAGED, Record, sides
from indelible.event import EPOCH
from indelible.values import REDACTED, shallow, spell, unspell

logger = logging.getLogger(__name__)

EPOCH_DAY = 2440587.5  # the Julian day of 1970-01-01; SQLite's clock counts whole milliseconds


def read_record(source: str, row: dict[str, Any], definition: Definition | None, context: object) -> Record:
    """Total: a row that cannot be read becomes a record that says so and shows it; it never stops the queue.

    `context` is what the row before it says of who acts; a row written by 0.1.0's first triggers has its own.
    """
    identity = (source, str(row["id"]), str(row["token"]))
    held = context if row["context"] is None else row["context"]
    try:
        if row["operation"] == "note":
            return _read_note(identity, row, held)
        if definition is not None and row["operation"] in ("create", "update", "delete", "baseline"):
            return _read(identity, row, definition, held)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, msgspec.DecodeError):
        pass  # a time that is none, a place that is not there
    logger.warning("Outbox row %s was not written by a trigger of ours; it is logged as it is.", row["id"])
    return _damaged(identity, row)


class Hidden(NamedTuple):
    """A secret was found in this value: what stands in its place says only whether it changed."""

    changed: object


def _read(identity: tuple[str, ...], row: dict[str, Any], definition: Definition, context: object) -> Record:
    old, new = _side("o", row, definition), _side("n", row, definition)
    columns = {c.name: c for c in definition.columns}
    operation = row["operation"]
    whole = old if operation == "delete" else new
    return Record(
        outbox_id=row["id"],
        token=row["token"],
        identity=identity,
        definition=definition,
        operation=operation,
        at=moment(row["at"]),
        context=context,
        row={
            name: None if isinstance(value, Hidden) else _spell(value, columns[name]) for name, value in whole.items()
        },
        changes={
            name: sides(operation, _spell(old[name], column), _spell(new[name], column))
            for name, column in columns.items()
            if column.shown and (operation != "update" or not _same(old[name], new[name]))
        },
    )


def _side(side: str, row: dict[str, Any], definition: Definition) -> dict[str, object]:
    named = row.get("hidden")
    hidden = named.split(",") if isinstance(named, str) else []
    places = {f"{side}{i}": c.name for i, c in enumerate(definition.columns)}
    return {name: Hidden(row[place]) if place in hidden else row[place] for place, name in places.items()}


def _read_note(identity: tuple[str, ...], row: dict[str, Any], context: object) -> Record:
    note = msgspec.json.decode(row["n0"], type=Note)
    if note.action not in OPERATIONS or not note.table or not shallow(note.changes):
        raise ValueError("this is not what capture says of itself")
    return Record(
        outbox_id=row["id"],
        token=row["token"],
        identity=identity,
        definition=definition_of(note),
        operation="update",
        at=moment(row["at"]),
        context=context,
        row={"table": note.table},
        changes=note.changes,
    )


def _damaged(identity: tuple[str, ...], row: dict[str, Any]) -> Record:
    values = {name: spell(value) for name, value in row.items() if value is not None}
    changes = {name: {"new": value} for name, value in values.items()}
    return Record(row["id"], row["token"], identity, DAMAGED, "create", EPOCH, None, values, changes)


def moment(julian: float) -> datetime:
    """Raises TypeError, ValueError or OverflowError for what is no time of this calendar."""
    return EPOCH + timedelta(milliseconds=round((julian - EPOCH_DAY) * 86_400_000))


def spell_row(row: dict[str, Any], definition: Definition) -> dict[str, Any]:
    """A row as an entry would show it."""
    return {column.name: _spell(row[column.name], column) for column in definition.columns if column.name in row}


def _spell(value: object, column: Column) -> Any:
    if isinstance(value, Hidden):
        return REDACTED
    if column.mask:
        return None if value is None else REDACTED
    if column.kind == "boolean" and type(value) is int and value in (0, 1):
        return bool(value)
    return spell(value, typeless=column.kind == "any")


def _named(value: object, column: Column) -> Any:
    """As a name or an organization it is none."""
    return None if isinstance(value, Hidden) else _spell(value, column)


def decode(spelled: Any, column: Column) -> Any:
    """The value that SQLite holds, in its type. Raises ValueError for what is redacted or kept beside the log."""
    value = unspell(spelled, column.kind)
    return int(value) if isinstance(value, bool) else value


def _same(old: object, new: object) -> bool:
    """1, 1.0 and true are three values."""
    return type(old) is type(new) and old == new
