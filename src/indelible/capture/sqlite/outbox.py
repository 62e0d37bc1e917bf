"""Reads captured records from the application's SQLite database, with the application's driver.

Two SQLite builds must never open one file, so this is the standard library's `sqlite3`, never `apsw`.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.source import Batch
from indelible.capture.sqlite.carry import CONTEXT
from indelible.capture.sqlite.opening import BUSY_SECONDS, connect, why
from indelible.capture.sqlite.record import moment, read_record
from indelible.capture.sqlite.tape import Row, drop
from indelible.errors import CaptureError
from indelible.values import read_text

BATCH = 1000
DELETE_MS = 200  # a page may be waiting; nothing is lost by dropping records later
MAX_WEIGHT = 16 * 1024 * 1024  # characters and bytes of one batch; a single larger record makes a batch of its own

COUNT = f"SELECT count(*), min(at) FROM indelible_outbox WHERE operation IS NOT '{CONTEXT}'"


class Place(NamedTuple):
    """How far a pass has read, and who acts from there on."""

    after: int | None = None  # not what was read in a pass before: only what is dropped is done
    row: Row | None = None  # the one that says it
    context: object = None


def source_id(db: sqlite3.Connection, path: Path) -> str:
    """Raises CaptureError if nothing is watched there."""
    try:
        return str(db.execute("SELECT id FROM indelible_source").fetchone()[0])
    except sqlite3.Error as error:
        raise CaptureError(
            f"Nothing is watched in {path}. Start with: indelible watch sqlite:///{path} --all"
        ) from error


class SQLiteOutbox:
    """The queue beside the tables. One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the file, CaptureError if nothing is watched in it."""
        self._lock = threading.Lock()
        self._db = connect(path)
        self._db.text_factory = read_text
        try:
            self.source = source_id(self._db, path)
        except CaptureError:
            self._db.close()
            raise
        self._seen: int | None = None
        self._definitions: dict[object, Definition] = {}

    @property
    def connection(self) -> sqlite3.Connection:
        """For whoever reads the database as it is here."""
        return self._db

    def close(self) -> None:
        self._db.close()

    def changed(self) -> bool:
        with self._using() as db:
            version: int = db.execute("PRAGMA data_version").fetchone()[0]  # moves as another connection commits
        changed, self._seen = version != self._seen, version
        return changed

    def pending(self) -> tuple[int, datetime | None]:
        """How many records wait, and since when the oldest does."""
        with self._using() as db:
            count, oldest = db.execute(COUNT).fetchone()
        try:
            return count, moment(oldest) if count else None
        except (TypeError, ValueError, OverflowError):  # not a time: some other client's row, see `record.py`
            return count, None

    def batches(self) -> Iterator[Batch]:
        """A batch has BATCH rows, fewer where they are large."""
        with self._using() as db:
            (waiting,) = db.execute("SELECT count(*) FROM indelible_outbox").fetchone()
        place = Place()
        while waiting > 0 and (rows := self._rows(place.after)):  # not what is captured meanwhile: a pass ends
            waiting -= len(rows)
            batch, place = self._batch(rows, place)
            if len(batch.rows) > 1 or batch.records:  # one row that only says who acts is the one that stays
                yield batch

    def _rows(self, after: int | None) -> list[dict[str, Any]]:
        """The oldest rows."""
        above, values = ("", (BATCH,)) if after is None else ("WHERE id > ?", (after, BATCH))
        rows, weight = [], 0
        with self._using() as db:
            cursor = db.execute(f"SELECT * FROM indelible_outbox {above} ORDER BY id LIMIT ?", values)
            names = [column[0] for column in cursor.description]
            for values in cursor:
                rows.append(dict(zip(names, values, strict=True)))
                weight += sum(len(value) for value in values if isinstance(value, (str, bytes)))
                if weight > MAX_WEIGHT:
                    break
        return rows

    def _batch(self, rows: list[dict[str, Any]], place: Place) -> tuple[Batch, Place]:
        """Read `rows`, each as who acted by the row before it that says so; also where the next batch begins."""
        _, says, context = place
        batch = Batch([], [says] if says else [])
        with self._using():
            for row in rows:
                known = Row(row["id"], row["token"], row["operation"] == CONTEXT)
                batch.rows.append(known)
                if known.says_who:
                    says, context = known, row["context"]
                else:
                    definition = self._definition(row["watch"])
                    batch.records.append(read_record(self.source, row, definition, context))
        return batch, Place(rows[-1]["id"], says, context)

    def drop(self, batch: Batch) -> bool:
        """Gives False, soon, while the application holds its write lock: the next pass drops them."""
        with self._using() as db:
            db.execute(f"PRAGMA busy_timeout = {DELETE_MS}")
            try:
                db.execute("BEGIN IMMEDIATE")
                drop(db, batch.rows)  # type: ignore[arg-type]  # as `_batch` made them
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                return False
            finally:
                db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        return True

    def _definition(self, watch: object) -> Definition | None:
        """How the row's table was watched; None if nothing here says so."""
        if watch not in self._definitions:
            row = self._db.execute("SELECT definition FROM indelible_watch WHERE id = ?", (watch,)).fetchone()
            try:
                self._definitions[watch] = msgspec.json.decode(row[0], type=Definition)
            except (TypeError, msgspec.DecodeError):
                return None
        return self._definitions[watch]

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise CaptureError(
                    f"The outbox cannot be used: {why(error)} Records stay in it until it can."
                ) from error
