"""The tables of one log, many rows at once. Their names and columns are this program's, never input."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

from psycopg import Connection

from indelible.store.dictionary import NAMED, PLAIN, Key
from indelible.store.postgres.connection import SQL
from indelible.store.promise import Dimension

# What is looked for is told by its SHA-256. They come as one value: an array of them takes psycopg longer than the
# server to find them. Each is looked for by itself, by all the columns of a unique index: so the planner knows which,
# though it knows nothing of a table that has just been made.
FIND = """SELECT found.*
FROM (SELECT substring(%s::bytea FROM place FOR 32) AS hash FROM generate_series(1, %s, 32) AS place) given
CROSS JOIN LATERAL (SELECT {columns} FROM indelible_log.{table} WHERE {of} AND sha256(key) = hash LIMIT 1) found"""
OF_LOG = "log_id = %s"
OF_TYPE = f"""{OF_LOG}
AND type_id = (SELECT id FROM indelible_log.entity_type WHERE {OF_LOG} AND sha256(key) = sha256(%s))"""


def _columns(table: Dimension) -> dict[str, str]:
    type_, name = {"type_id": "int4"} if table == "entity" else {}, {"name": "bytea"} if table in NAMED else {}
    return {"id": "int4"} | type_ | {"key": "bytea"} | name | {"folded": "bytea"}


COLUMNS = {table: _columns(table) for table in (*PLAIN, *NAMED)}


class Tables:
    """Keeps `dictionary.Tables`. Used by whoever holds the row of the log's head: nobody else writes."""

    def __init__(self, db: Connection[tuple[Any, ...]], log: int) -> None:
        self.db = db
        self.log = log
        self._last: dict[Dimension, int] = {}  # the highest id of each dictionary

    def forget(self) -> None:
        self._last.clear()

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """`columns`: names and types, the log's id before them. Binary, so that no value is spelled."""
        sql = f"COPY indelible_log.{table} (log_id, {', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        with self.db.cursor() as cursor, cursor.copy(sql.encode()) as stream:
            stream.set_types(["int4", *columns.values()])
            for row in rows:
                stream.write_row((self.log, *row))

    def find(self, table: Dimension, keys: Sequence[Key]) -> Iterator[tuple[Key, int, str | None, str]]:
        """A journey for each type of entities."""
        for type_, those in groupby(sorted(keys), key=lambda key: key[:-1]):
            hashes = [sha256(key[-1].encode()).digest() for key in those]
            for key, id_, name, folded in self._find(table, hashes, *type_):
                yield (*type_, key.decode()), id_, None if name is None else name.decode(), folded.decode()

    def _find(self, table: Dimension, hashes: Sequence[bytes], type_: str | None = None) -> list[tuple[Any, ...]]:
        of, values = (OF_LOG, (self.log,)) if type_ is None else (OF_TYPE, (self.log, self.log, type_.encode()))
        columns = f"key, id, {'name' if table in NAMED else 'NULL::bytea AS name'}, folded"
        packed, sql = b"".join(hashes), FIND.format(table=table, columns=columns, of=of)
        return self.db.execute(sql.encode(), (packed, len(packed), *values)).fetchall()

    def add(self, table: Dimension, rows: Sequence[tuple[Any, ...]]) -> None:
        self.copy(table, COLUMNS[table], ([_bytes(value) for value in row] for row in rows))

    def rename(self, table: Dimension, rows: Sequence[tuple[str | None, str, int]]) -> None:
        if not rows:
            return
        with self.db.cursor() as cursor:
            cursor.executemany(
                SQL[f"name_{table}"], [(_bytes(name), folded.encode(), self.log, id_) for name, folded, id_ in rows]
            )

    def numbers(self, table: Dimension, count: int) -> range:
        if table not in self._last:
            sql = f"SELECT coalesce(max(id), 0) FROM indelible_log.{table} WHERE log_id = %s"
            ((self._last[table],),) = self.db.execute(sql.encode(), (self.log,)).fetchall()
        first = self._last[table] + 1
        self._last[table] += count
        return range(first, first + count)


def _bytes(value: Any) -> Any:
    """The columns of text are of bytes: PostgreSQL's text cannot hold a NUL."""
    return value.encode() if isinstance(value, str) else value
