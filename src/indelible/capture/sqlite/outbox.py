"""Reads captured records from the application's SQLite database, with the application's driver.

Two SQLite builds must never open one file, so this is the standard library's `sqlite3`, never `apsw`.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.record import Record
from indelible.capture.source import Batch
from indelible.capture.sqlite.record import moment, read_record
from indelible.errors import CaptureError, NotFoundError
from indelible.values import read_text

BATCH = 1000
BUSY_MS = 10_000
DELETE_MS = 200  # a page may be waiting; nothing is lost by dropping records later
MAX_WEIGHT = 16 * 1024 * 1024  # characters and bytes of one batch; a single larger record makes a batch of its own


class SQLiteOutbox:
    """The queue beside the tables. One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the file, CaptureError if nothing is watched in it."""
        if not path.is_file():
            raise NotFoundError(f"There is no database at {path}.")
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        self._db.text_factory = read_text
        try:
            (self._source,) = self._db.execute("SELECT id FROM indelible_source").fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise CaptureError(
                f"Nothing is watched in {path}. Start with: indelible watch sqlite:///{path} --all"
            ) from error
        self._seen: int | None = None
        self._definitions: dict[object, Definition] = {}

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
            count, oldest = db.execute("SELECT count(*), min(at) FROM indelible_outbox").fetchone()
        try:
            return count, moment(oldest) if count else None
        except (TypeError, ValueError, OverflowError):  # not a time: some other client's row, see `record.py`
            return count, None

    def batches(self) -> Iterator[Batch]:
        """A batch has BATCH records, fewer where they are large."""
        waiting, after = self.pending()[0], None  # not what is captured meanwhile: a pass ends
        while waiting > 0 and (records := self._read(BATCH, after)):
            waiting, after = waiting - len(records), records[-1].outbox_id
            yield Batch(records, [(record.outbox_id, record.token) for record in records])

    def _read(self, limit: int, after: int | None) -> list[Record]:
        """The oldest records. `after`: the last id read in this pass, not in one before."""
        above, values = ("", (limit,)) if after is None else ("WHERE id > ?", (after, limit))
        with self._using() as db:
            cursor = db.execute(f"SELECT * FROM indelible_outbox {above} ORDER BY id LIMIT ?", values)
            names = [column[0] for column in cursor.description]
            rows, weight = [], 0
            for values in cursor:
                rows.append(dict(zip(names, values, strict=True)))
                weight += sum(len(value) for value in values if isinstance(value, (str, bytes)))
                if weight > MAX_WEIGHT:
                    break
            return [read_record(self._source, row, self._definition(row["watch"])) for row in rows]

    def drop(self, batch: Batch) -> bool:
        """By id and token: another sealer may have dropped them first, and their ids may be in use again. Gives False,
        soon, while the application holds its write lock: the next pass drops them.
        """
        with self._using() as db:
            db.execute(f"PRAGMA busy_timeout = {DELETE_MS}")
            try:
                db.execute("BEGIN IMMEDIATE")
                # As bytes: a forged token may be text that is not UTF-8, and has no other way back.
                delete = "DELETE FROM indelible_outbox WHERE id = ? AND CAST(token AS BLOB) = CAST(? AS BLOB)"
                db.executemany(delete, batch.rows)  # type: ignore[arg-type]  # as `batches` made them
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                return False
            finally:
                db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
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
                raise CaptureError(f"The outbox cannot be used: {error}. Records stay in it until it can.") from error
