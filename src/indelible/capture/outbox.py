"""Reads captured records from the application's SQLite database, with the application's driver.

Two SQLite builds must never open one file, so this is the standard library's `sqlite3`, never `apsw`.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from indelible.capture.sqlite import Column, Definition
from indelible.errors import CaptureError, NotFoundError
from indelible.event import EPOCH
from indelible.values import REDACTED, read_text, spell

EPOCH_DAY = 2440587.5  # the Julian day of 1970-01-01; SQLite's clock counts whole milliseconds


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


class Outbox:
    """The queue beside the tables. One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the file, CaptureError if nothing is watched in it."""
        if not path.is_file():
            raise NotFoundError(f"There is no database at {path}.")
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._db.text_factory = read_text
        try:
            (self._source,) = self._db.execute("SELECT id FROM indelible_source").fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise CaptureError(
                f"Nothing is watched in {path}. Start with: indelible watch sqlite:///{path} --all"
            ) from error
        self._definitions: dict[int, Definition] = {}

    def close(self) -> None:
        self._db.close()

    def version(self) -> int:
        """Changes whenever another connection committed: cheap to ask often."""
        with self._using() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

    def pending(self) -> tuple[int, datetime | None]:
        """How many records wait, and since when the oldest does."""
        with self._using() as db:
            count, oldest = db.execute("SELECT count(*), min(at) FROM indelible_outbox").fetchone()
        return count, _moment(oldest) if count else None

    def read(self, limit: int) -> list[Record]:
        """The oldest records, whatever their ids: never "greater than the last"."""
        with self._using() as db:
            cursor = db.execute("SELECT * FROM indelible_outbox ORDER BY id LIMIT ?", (limit,))
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
            return [self._record(dict(zip(names, row, strict=True))) for row in rows]

    def delete(self, records: Sequence[Record]) -> None:
        """Drop records that the log has committed. A crash before this: they are read again and recognised.

        By id and token: another sealer may have dropped them first, and their ids may be in use again.
        """
        with self._using() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                known = [(record.outbox_id, record.token) for record in records]
                db.executemany("DELETE FROM indelible_outbox WHERE id = ? AND token = ?", known)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def _record(self, row: dict[str, Any]) -> Record:
        definition = self._definition(row["watch"])
        places = list(enumerate(definition.columns))
        old = {c.name: row[f"o{i}"] for i, c in places}
        new = {c.name: row[f"n{i}"] for i, c in places}
        spelled = {c.name: c for c in definition.columns}
        operation = row["operation"]
        whole = old if operation == "delete" else new
        return Record(
            outbox_id=row["id"],
            token=row["token"],
            identity=(self._source, str(row["id"]), str(row["token"])),
            definition=definition,
            operation=operation,
            at=_moment(row["at"]),
            context=row["context"],
            row={name: _spell(value, spelled[name]) for name, value in whole.items()},
            changes={
                name: _sides(operation, _spell(old[name], column), _spell(new[name], column))
                for name, column in spelled.items()
                if operation != "update" or not _same(old[name], new[name])
            },
        )

    def _definition(self, watch: int) -> Definition:
        if watch not in self._definitions:
            row = self._db.execute("SELECT definition FROM indelible_watch WHERE id = ?", (watch,)).fetchone()
            self._definitions[watch] = msgspec.json.decode(row[0], type=Definition)
        return self._definitions[watch]

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise CaptureError(f"The outbox cannot be used: {error}. Records stay in it until it can.") from error


def _sides(operation: str, old: Any, new: Any) -> dict[str, Any]:
    """Create has only `new`, delete only `old`."""
    if operation == "create":
        return {"new": new}
    return {"old": old} if operation == "delete" else {"old": old, "new": new}


def _spell(value: object, column: Column) -> Any:
    if column.redacted:
        return None if value is None else REDACTED
    if column.boolean and type(value) is int and value in (0, 1):
        return bool(value)
    return spell(value)


def _same(old: object, new: object) -> bool:
    """1, 1.0 and true are three values."""
    return type(old) is type(new) and old == new


def _moment(julian: float) -> datetime:
    return EPOCH + timedelta(milliseconds=round((julian - EPOCH_DAY) * 86_400_000))
