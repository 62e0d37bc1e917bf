"""The database as it was at one moment: a transaction that reads what it first saw, for as long as it lasts."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
from psycopg.rows import tuple_row

from indelible.capture.definition import Definition
from indelible.capture.postgres.connection import encoded, reading
from indelible.capture.postgres.describe import describe, relations
from indelible.capture.postgres.names import literal
from indelible.capture.postgres.outbox import READ
from indelible.capture.postgres.record import OutboxRow, read_records, spell_row
from indelible.capture.postgres.registry import Database
from indelible.capture.postgres.sql import WATCH
from indelible.capture.postgres.written import Terms, Written
from indelible.capture.record import Record

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL row_security = off; SET LOCAL lock_timeout = 0"
FETCH = 500


class PostgresSnapshot:
    """Keeps `capture.source.Snapshot`."""

    def __init__(self, url: str, describing: Database) -> None:
        self._describing = describing
        self._db = reading(url, tuple_row)
        self._db.execute(BEGIN)
        ((self._source,),) = self._db.execute("SELECT id FROM indelible.source").fetchall()  # the moment
        found = self._db.execute(WATCH["definitions"]).fetchall()
        self._ids = {id_: text and msgspec.json.decode(text, type=Definition) for id_, _, text in found}
        self._newest = {relation: self._ids[id_] for id_, relation, _ in found}

    def close(self) -> None:
        self._db.close()

    def watched(self) -> list[Definition]:
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
        oid = next(oid for oid, each in self._newest.items() if each is definition)
        relation = next(each for each in relations(self._describing).values() if each.oid == oid)
        _, columns = describe(self._describing, relation)
        marker = str(uuid4())
        written = Written(definition, columns, Terms(literal(marker)))
        for setting in written.settings:
            self._db.execute(f"SET LOCAL {setting}")
        source = relation.quoted if relation.partitioned else f"ONLY {relation.quoted}"
        for (cells,) in self._stream(written.select(source)):
            yield spell_row(cells, definition, marker)

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        with self._db.cursor(name="indelible_snapshot") as cursor:
            cursor.itersize = FETCH
            cursor.execute(encoded(self._db, query))
            yield from cursor
