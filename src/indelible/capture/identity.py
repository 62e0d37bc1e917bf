"""What tells one row from every other, for an entry to carry where the entity's id alone does not say it.

{"table": "sessions", "row": {"id": "s_9"}}     of another table's entity, or of a key that reads two ways
{"was": "row-4aff62756175fb74"}                 of a table without a key: the row before the change
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.record import Record
from indelible.event import clip

MAX_KEY = 512  # characters of an entity's id
NO_KEY = "(empty)"  # SQLite lets a key be NULL or blank; an entry needs something to call the row


def entity_id(definition: Definition, row: Mapping[str, Any]) -> str:
    """One text for one row, of at most MAX_KEY characters."""
    if not definition.key:  # its rows are told apart by their values alone
        return "row-" + hashlib.sha256(msgspec.json.encode(row)).hexdigest()[:16]
    return clip("/".join(as_text(row.get(column)) for column in definition.key), MAX_KEY) or NO_KEY


def told(record: Record) -> dict[str, Any]:
    """What the entry's metadata says of the row; mostly nothing."""
    definition, row = record.definition, record.row
    old = {column: change["old"] for column, change in record.changes.items() if "old" in change}
    if not definition.row_key:
        return {"was": entity_id(definition, row | old)} if record.operation == "update" else {}
    moved = record.operation == "update" and not old.keys().isdisjoint(definition.row_key)
    if not moved and _plain(definition, row):
        return {}
    return {"table": definition.table, "row": row_key(definition, row)}


def row_key(definition: Definition, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's own key; a column that is masked tells nothing."""
    masked = {column.name for column in definition.columns if column.mask}
    return {column: row.get(column) for column in definition.row_key if column not in masked}


def place(definition: Definition, row: Mapping[str, Any]) -> str:
    """One text for one row of a table, no two alike: from the row itself as from what an entry tells of it.

    Nor is it another one where the map calls the row otherwise by now.
    """
    if not definition.row_key:
        return entity_id(definition, row)
    typeless = {column.name for column in definition.columns if column.kind == "any"}
    values = [
        value if value is None or column in typeless else as_text(value)
        for column, value in row_key(definition, row).items()
    ]
    readable = (
        typeless.isdisjoint(definition.row_key) and all(values) and (len(values) == 1 or "/" not in "".join(values))
    )
    return "/".join(values) if readable else msgspec.json.encode(values).decode()


def as_text(spelled: Any) -> str:
    """One text for one spelled value."""
    match spelled:
        case None:
            return ""
        case str(text) | {"integer": str(text)}:
            return text
    return msgspec.json.encode(spelled).decode()


def _plain(definition: Definition, row: Mapping[str, Any]) -> bool:
    """Whether the entity's id says which row of which table this is."""
    if not definition.about_itself or definition.alike:
        return False
    texts = [as_text(row.get(column)) for column in definition.key]
    typeless = any(column.kind == "any" for column in definition.columns if column.name in definition.key)
    readable = all(text and (len(texts) == 1 or "/" not in text) for text in texts)
    return readable and not typeless and sum(map(len, texts)) + len(texts) <= MAX_KEY
