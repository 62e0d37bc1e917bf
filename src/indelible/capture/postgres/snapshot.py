"""The database as it was at one moment: a transaction that reads what it first saw, for as long as it lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
from psycopg.rows import tuple_row

from indelible.capture.definition import Definition
from indelible.capture.postgres.connection import encoded, reading
from indelible.capture.postgres.describe import describe, relations
from indelible.capture.postgres.names import literal
from indelible.capture.postgres.outbox import NOTHING, READ
from indelible.capture.postgres.record import OutboxRow, read_records, spell_row
from indelible.capture.postgres.registry import Database
from indelible.capture.postgres.sql import WATCH
from indelible.capture.postgres.written import Terms, Written
from indelible.capture.record import Record
from indelible.errors import CaptureError

# It is idle for as long as the log is replayed meanwhile.
BEGIN = """BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL row_security = off; SET LOCAL lock_timeout = 0"""
FETCH = 500


class PostgresSnapshot:
    """Keeps `capture.source.Snapshot`."""

    def __init__(self, url: str, describing: Database) -> None:
        self._describing = describing
        self._db = reading(url, tuple_row)
        try:
            with _errors():
                found = self._begin()
        except BaseException:
            self._db.close()
            raise
        self._ids = {id_: text and msgspec.json.decode(text, type=Definition) for id_, _, text in found}
        self._newest = {relation: self._ids[id_] for id_, relation, _ in found}

    def _begin(self) -> list[tuple[Any, ...]]:
        """Gives the definitions."""
        self._db.execute(BEGIN)
        try:
            ((self._source,),) = self._db.execute("SELECT id FROM indelible.source").fetchall()  # the moment
        except psycopg.errors.UndefinedTable as error:
            raise CaptureError(NOTHING) from error
        return self._db.execute(WATCH["definitions"]).fetchall()

    def close(self) -> None:
        self._db.close()

    def watched(self) -> list[Definition]:
        with _errors():
            there = {relation.oid for relation in relations(self._describing).values()}
        return [each for oid, each in self._newest.items() if each is not None and oid in there]

    def ever_watched(self) -> list[Definition]:
        return [each for each in self._ids.values() if each is not None]

    def waiting(self) -> Iterator[Record]:
        for row in self._stream(READ):
            outbox_row = OutboxRow(*row)
            yield from read_records(self._source, outbox_row, self._ids.get(outbox_row.watch))

    def rows(self, definition: Definition) -> Iterator[dict[str, Any]]:
        """As the triggers write them; by the name the table has, whatever it was called when watching began."""
        with _errors():
            query, marker = self._query(definition)
        for (cells,) in self._stream(query):
            yield spell_row(cells, definition, marker)

    def _query(self, definition: Definition) -> tuple[str, str]:
        """And what stands before a value that is none."""
        oid = next(oid for oid, each in self._newest.items() if each is definition)
        relation = next(each for each in relations(self._describing).values() if each.oid == oid)
        _, columns = describe(self._describing, relation)
        marker = str(uuid4())
        written = Written(definition, columns, Terms(literal(marker)))
        for setting in written.settings:
            self._db.execute(f"SET LOCAL {setting}")
        return written.select(relation.quoted if relation.partitioned else f"ONLY {relation.quoted}"), marker

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        with _errors(), self._db.cursor(name="indelible_snapshot") as cursor:
            cursor.itersize = FETCH
            cursor.execute(encoded(self._db, query))
            yield from cursor


@contextmanager
def _errors() -> Iterator[None]:
    """Every refusal of the server as one sentence with its remedy."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise CaptureError(
            f"The database cannot be read: {error.diag.message_primary}. Be the role that watched the tables."
        ) from error
    except psycopg.Error as error:
        said = str(error.diag.message_primary or error).strip().rstrip(".")
        raise CaptureError(f"The database cannot be read: {said}. Try again.") from error
