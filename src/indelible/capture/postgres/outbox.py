"""Reads captured records from the application's PostgreSQL database, and deletes those that are sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row

from indelible.capture.definition import Definition
from indelible.capture.postgres.connection import connect, reading
from indelible.capture.postgres.record import OutboxRow, read_records
from indelible.capture.source import Batch
from indelible.errors import CaptureError

BATCH = 1000  # records, or a little more: an outbox row is never cut
FETCH = 16  # outbox rows at a time: each may have megabytes
NOTHING = "Nothing is watched in this database. Start with: indelible watch APP --all"
VACUUM_AFTER = 20_000  # deleted rows: reading the queue steps over each until then

# What the clock of a trigger never gives would be no moment to Python, or none that an id can begin with.
AT = "greatest(least(at, '9999-12-31 UTC'), '1970-01-01 UTC')"
READ = f"""SELECT ctid::text, id, xid::text, {AT}, watch, operation, context, client, marker, old, new
FROM indelible.outbox ORDER BY coalesce(began, id), id"""
# By place, and by id: VACUUM FULL may have moved another row there.
DELETE = "DELETE FROM indelible.outbox WHERE ctid = ANY (%s::text[]::tid[]) AND id = ANY (%s)"
PENDING = f"SELECT coalesce(sum(greatest(rows, 0)), 0)::bigint, min({AT}) FROM indelible.outbox"
PATIENCE = "SET lock_timeout = '1s'"  # whoever locks the outbox whole may be waiting for the pass that wants to drop


class PostgresOutbox:
    """Keeps `capture.source.Outbox`. Two connections: one reads a snapshot, the other deletes meanwhile."""

    def __init__(self, url: str) -> None:
        """Raises CaptureError if the server cannot be reached or nothing is watched in the database."""
        self._url = url
        self._lock = Lock()
        self._reader: Connection[tuple[Any, ...]] | None = None
        self._db: Connection[tuple[Any, ...]] | None = None
        self._definitions: dict[int, Definition | None] = {}
        self._deleted = 0
        try:
            with self._using() as db:
                ((self.source,),) = db.execute("SELECT id FROM indelible.source").fetchall()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for connection in (self._reader, self._db):
            if connection is not None:
                connection.close()

    def changed(self) -> bool:
        with self._using() as db:
            return bool(db.execute("SELECT EXISTS (SELECT FROM indelible.outbox)").fetchone() == (True,))

    def pending(self) -> tuple[int, datetime | None]:
        with self._using() as db:
            ((count, oldest),) = db.execute(PENDING).fetchall()
        return count, oldest

    def batches(self) -> Iterator[Batch]:
        """From one snapshot: what commits meanwhile is left to the next pass, in whatever order ids were drawn."""
        batch = Batch([], [])
        for row in self._snapshot():
            batch.records.extend(read_records(self.source, row, self._definition(row.watch)))
            batch.rows.append((row.place, row.id))
            if len(batch.records) >= BATCH:
                yield batch
                batch = Batch([], [])
        if batch.rows:
            yield batch

    def drop(self, batch: Batch) -> bool:
        places, ids = zip(*batch.rows, strict=True)
        with self._using() as db:
            try:
                db.execute(DELETE, (list(places), list(ids)))
            except psycopg.errors.LockNotAvailable:
                return False
            self._deleted += len(ids)
            if self._deleted >= VACUUM_AFTER:
                db.execute("VACUUM (SKIP_LOCKED) indelible.outbox")
                self._deleted = 0
        return True

    def _snapshot(self) -> Iterator[OutboxRow]:
        """A pass that is given up ends the connection: it may be lost, and then nothing more can be said on it."""
        with self._errors():
            if self._reader is None or self._reader.closed:
                self._reader = reading(self._url, tuple_row)
            reader, cursor = self._reader, self._reader.cursor(name="indelible_outbox")
            try:
                reader.execute("BEGIN READ ONLY")
                cursor.itersize = FETCH
                cursor.execute(READ)
                for row in cursor:
                    yield OutboxRow(*row)
                cursor.close()
                reader.execute("COMMIT")
            except BaseException:
                reader.close()
                cursor.close()
                raise

    def _definition(self, watch: int) -> Definition | None:
        """How the row's table was watched; None if nothing here says so."""
        if watch not in self._definitions:
            with self._using() as db:
                found = db.execute("SELECT definition FROM indelible.watch WHERE id = %s", (watch,)).fetchone()
            try:
                self._definitions[watch] = msgspec.json.decode(str(found and found[0]), type=Definition)
            except msgspec.DecodeError:
                return None
        return self._definitions[watch]

    @contextmanager
    def _using(self) -> Iterator[Connection[tuple[Any, ...]]]:
        """The deleting connection, made anew if it was lost."""
        with self._lock, self._errors():
            if self._db is None or self._db.closed:
                self._db = connect(self._url, tuple_row)
                self._db.execute(PATIENCE)
            yield self._db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise CaptureError(NOTHING) from error
        except psycopg.Error as error:
            self.close()  # what ended one connection may have ended both; the next pass makes them anew
            raise CaptureError(f"The outbox cannot be used: {error}. Records stay in it until it can.") from error
