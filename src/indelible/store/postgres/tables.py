"""The tables of one log, many rows at once. Their names and columns are this program's, never input."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection

# What is looked for is told by its SHA-256. They come as one value: an array of them takes psycopg longer than the
# server to find them. Each is looked for by itself, by all the columns of a unique index: so the planner knows which,
# though it knows nothing of a table that has just been made.
FIND = """SELECT found.*
FROM (SELECT substring(%s::bytea FROM place FOR 32) AS hash FROM generate_series(1, %s, 32) AS place) given
CROSS JOIN LATERAL (SELECT {columns} FROM indelible_log.{table} WHERE {of} AND sha256(key) = hash LIMIT 1) found"""
OF_LOG = "log_id = %s"
OF_TYPE = f"""{OF_LOG}
AND type_id = (SELECT id FROM indelible_log.entity_type WHERE {OF_LOG} AND sha256(key) = sha256(%s))"""


class Tables:
    """Used by whoever holds the row of the log's head: nobody else writes."""

    def __init__(self, db: Connection[tuple[Any, ...]], log: int) -> None:
        self.db = db
        self.log = log
        self._last: dict[str, int] = {}  # id of each dictionary

    def forget(self) -> None:
        """Others may have been here."""
        self._last.clear()

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """`columns`: names and types, the log's id before them. Binary, so that no value is spelled."""
        sql = f"COPY indelible_log.{table} (log_id, {', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        with self.db.cursor() as cursor, cursor.copy(sql.encode()) as stream:
            stream.set_types(["int4", *columns.values()])
            for row in rows:
                stream.write_row((self.log, *row))

    def find(self, table: str, columns: str, hashes: Sequence[bytes], kind: str | None = None) -> list[tuple[Any, ...]]:
        """Rows of a dictionary, by the hashes of their keys. `kind`: the type of entities."""
        of, values = (OF_LOG, (self.log,)) if kind is None else (OF_TYPE, (self.log, self.log, kind.encode()))
        packed, sql = b"".join(hashes), FIND.format(table=table, columns=columns, of=of)
        return self.db.execute(sql.encode(), (packed, len(packed), *values)).fetchall()

    def numbers(self, table: str, count: int) -> range:
        """The next ids of a dictionary."""
        if count and table not in self._last:
            sql = f"SELECT coalesce(max(id), 0) FROM indelible_log.{table} WHERE log_id = %s"
            ((self._last[table],),) = self.db.execute(sql.encode(), (self.log,)).fetchall()
        first = self._last.get(table, 0) + 1
        if count:
            self._last[table] += count
        return range(first, first + count)
