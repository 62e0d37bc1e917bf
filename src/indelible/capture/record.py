"""One captured change, as the sealer reads it from any database."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from indelible.actions import Rule, TableMap
from indelible.capture.definition import Definition
from indelible.event import derive_id

# What a row that no trigger of ours can have written is read by: some clients of a database may insert one.
DAMAGED = Definition(
    table="indelible_outbox",
    columns=[],
    key=["id"],
    row_key=["id"],
    map=TableMap(entity="CapturedRecord", action="CAPTURE", rule=[Rule(action="CAPTURE_DAMAGED", on="create")]),
)


class Client(msgspec.Struct, frozen=True):
    """Who was connected to the database when nobody said who acts."""

    user: str | None = None
    role: str | None = None
    application: str | None = None
    address: str | None = None


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
    transaction: str | None = None  # its id, where the database itself tells transactions apart
    client: Client | None = None
    statement: str | None = None  # "TRUNCATE": one for which there is no operation of its own

    @property
    def id(self) -> UUID:
        """That of its entry: the same however often the record is read."""
        return derive_id(self.at, *self.identity)


def sides(operation: str, old: Any, new: Any) -> dict[str, Any]:
    """Create and baseline have only `new`, delete only `old`."""
    if operation in ("create", "baseline"):
        return {"new": new}
    return {"old": old} if operation == "delete" else {"old": old, "new": new}
