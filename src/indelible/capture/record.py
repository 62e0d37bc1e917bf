"""One captured change, as the sealer reads it from any database."""

from datetime import datetime
from typing import Any, NamedTuple

from indelible.actions import Rule, TableMap
from indelible.capture.definition import Definition

# What a row that no trigger of ours can have written is read by: some clients of a database may insert one.
DAMAGED = Definition(
    table="indelible_outbox",
    columns=[],
    key=["id"],
    row_key=["id"],
    map=TableMap(entity="CapturedRecord", action="CAPTURE", rule=[Rule(action="CAPTURE_DAMAGED", on="create")]),
)


class Record(NamedTuple):
    """One captured change. `old` and `new` map columns to spelled values, and hold only what the operation has."""

    outbox_id: int
    token: int
    identity: tuple[str, ...]  # of this record among all records of all sources
    definition: Definition
    operation: str
    at: datetime
    context: object
    row: dict[str, Any]  # the whole row: as it is now, or as it was when deleted
    changes: dict[str, dict[str, Any]]


def sides(operation: str, old: Any, new: Any) -> dict[str, Any]:
    """Create has only `new`, delete only `old`."""
    if operation == "create":
        return {"new": new}
    return {"old": old} if operation == "delete" else {"old": old, "new": new}
