"""Captured changes, read from an outbox row: one for each row that its statement changed."""

import hashlib
import logging
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from indelible.capture.context import TRANSACTION, carry
from indelible.capture.definition import Column, Definition
from indelible.capture.notes import OPERATIONS as NOTED
from indelible.capture.notes import Note, definition_of
from indelible.capture.postgres import moments
from indelible.capture.record import DAMAGED, Client, Record, sides
from indelible.values import REDACTED, shallow, spell

logger = logging.getLogger(__name__)

# What the outbox says, and what an entry says of it.
OPERATIONS = {"create": "create", "update": "update", "delete": "delete", "truncate": "delete", "baseline": "baseline"}


class OutboxRow(NamedTuple):
    """As it lies in the outbox."""

    place: str  # its ctid: where to find it again, together with its id
    id: int
    xid: str
    at: datetime
    watch: int
    operation: str
    context: str | None
    client: str | None
    marker: str | None
    old: list[Any] | None  # rows, or the cells of a single one
    new: list[Any] | None


def read_records(source: str, row: OutboxRow, definition: Definition | None) -> Iterator[Record]:
    """Total: a row that cannot be read becomes a record that says so; it never stops the queue."""
    if definition is not None or row.operation == "note":
        try:
            yield from list(_read_each(source, row, definition))
        except (IndexError, KeyError, TypeError, ValueError, RecursionError, msgspec.DecodeError):
            pass  # the owner of the outbox may have put in what no trigger of ours writes
        else:
            return
    logger.warning("Outbox row %s was not written by a trigger of ours; it is logged as it is.", row.id)
    yield _damaged(source, row)


def _read_each(source: str, row: OutboxRow, definition: Definition | None) -> Iterator[Record]:
    if definition is None or row.operation == "note":
        yield _read_note(source, row)
        return
    olds, news = _rows(row.old), _rows(row.new)
    for number in range(max(len(olds), len(news))):
        old = olds[number] if row.old is not None else None
        new = news[number] if row.new is not None else None
        if old != new:  # an update may have changed nothing
            yield _read(source, row, definition, number, old, new)


def _rows(cells: list[Any] | None) -> list[list[Any]]:
    """A single row is written without a list around it."""
    return [cells] if cells and not isinstance(cells[0], list) else cells or []


def _read(  # noqa: PLR0913, PLR0917 - a row of the outbox, and one of the rows in it
    source: str, row: OutboxRow, definition: Definition, number: int, old: list[Any] | None, new: list[Any] | None
) -> Record:
    operation = OPERATIONS[row.operation]
    whole = new or old or []
    columns = [(i, column) for i, column in enumerate(definition.columns) if not _gone(whole[i], row.marker)]
    transaction = _transaction(source, row.xid)
    return Record(
        outbox_id=row.id,
        token=0,
        identity=(source, row.xid, str(row.id), str(number)),
        definition=definition,
        operation=operation,
        at=row.at,
        context=None if row.context is None else carry(transaction, row.context),
        row={column.name: _spell(whole[i], column, row.marker) for i, column in columns},
        changes={
            column.name: sides(
                operation, old and _spell(old[i], column, row.marker), new and _spell(new[i], column, row.marker)
            )
            for i, column in columns
            if column.shown and (old is None or new is None or old[i] != new[i])
        },
        transaction=transaction,
        client=None if row.client is None else msgspec.json.decode(row.client, type=Client),
        statement="TRUNCATE" if row.operation == "truncate" else None,
    )


def _read_note(source: str, row: OutboxRow) -> Record:
    note = msgspec.json.decode((row.new or [])[0][0], type=Note)
    if note.action not in NOTED or not note.table or not shallow(note.changes):
        raise ValueError("capture has no such note to make")
    transaction = _transaction(source, row.xid)
    return Record(
        outbox_id=row.id,
        token=0,
        identity=(source, row.xid, str(row.id)),
        definition=definition_of(note),
        operation="update",
        at=row.at,
        context=None if row.context is None else carry(transaction, row.context),
        row={"table": note.table},
        changes=note.changes,
        transaction=transaction,
        client=None if row.client is None else msgspec.json.decode(row.client, type=Client),
    )


def _damaged(source: str, row: OutboxRow) -> Record:
    values = {name: spell(value) for name, value in row._asdict().items() if value is not None and name != "place"}
    changes = {name: {"new": value} for name, value in values.items()}
    identity = (source, row.xid, str(row.id))
    return Record(row.id, 0, identity, DAMAGED, "create", row.at, None, values, changes, _transaction(source, row.xid))


def _transaction(source: str, xid: str) -> str:
    """An id for a transaction of this source among all transactions of all sources."""
    return hashlib.sha256(f"{source}/{xid}".encode()).hexdigest()[:TRANSACTION]


def spell_row(cells: list[Any], definition: Definition, marker: str) -> dict[str, Any]:
    """A row as an entry would show it, without the columns that are gone."""
    pairs = zip(definition.columns, cells, strict=bool(definition.columns))
    return {column.name: _spell(text, column, marker) for column, text in pairs if not _gone(text, marker)}


def _gone(text: Any, marker: str | None) -> bool:
    return text is not None and text == marker


def _spell(text: Any, column: Column, marker: str | None) -> Any:
    if marker and isinstance(text, str) and text.startswith(marker):
        _, size, sha256 = text.split(" ")
        return {"sha256": sha256, "size": int(size), "preview": ""}
    if column.guard and text is not None:  # "*": a secret was found in it; "=": none
        text = REDACTED if text[:1] in ("*", b"*") else type(text)(text[1:])
    if text is None or text is REDACTED:
        return text
    if column.mask:
        return REDACTED if column.mask == "redacted" else {"hashed": text}
    read = _READ.get(column.kind) or spell
    return read(text)


# The column may be of another type by now: what is not as its own type writes it is told as the text that it is.
_BOOLEAN = {"true": True, "false": False}
_INTEGER = re.compile("0|-?[1-9][0-9]{0,18}")
_REAL = re.compile(r"-?((0|[1-9][0-9]*)([.][0-9]*[1-9])?(e[-+][0-9]{2,3})?|Infinity|NaN)")
_BYTES = re.compile(r"\\x([0-9a-f]{2})*")
_PRECISE = 17  # digits of a real number; one with more is a decimal


def _as(pattern: re.Pattern[str], read: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda text: spell(read(text) if isinstance(text, str) and pattern.fullmatch(text) else text)


def _real(text: str) -> float | str:
    digits, read = text.partition("e")[0].replace(".", "").lstrip("-0"), float(text)
    return text if len(digits) > _PRECISE or (math.isinf(read) and "Inf" not in text) else read


_READ: dict[str, Callable[[Any], Any]] = {
    "boolean": lambda text: spell(_BOOLEAN.get(text, text)),
    "integer": _as(_INTEGER, int),
    "real": _as(_REAL, _real),
    "bytes": _as(_BYTES, lambda text: bytes.fromhex(text[2:])),
    "moment": lambda text: spell(moments.read(text) if isinstance(text, str) else text.removeprefix(b"=")),
}
