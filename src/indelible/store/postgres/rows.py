"""Many rows at once. The names of tables and columns are of this program, never input."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection

# What is looked for is told by its SHA-256. They come as one value: an array of them takes psycopg longer than the
# server to find them. Nothing is left to the planner, which knows nothing of a table that has just been made.
HASHES = "SELECT substring(%s::bytea FROM place FOR 32) FROM generate_series(1, %s, 32) AS place"


def copy(
    db: Connection[tuple[Any, ...]], table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> None:
    """`columns`: names and types. Binary, so that no value is spelled."""
    sql = f"COPY indelible_log.{table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with db.cursor() as cursor, cursor.copy(sql.encode()) as stream:
        stream.set_types(list(columns.values()))
        for row in rows:
            stream.write_row(row)


def find(
    db: Connection[tuple[Any, ...]], table: str, columns: Sequence[str], of: Mapping[str, Any], hashes: Sequence[bytes]
) -> list[tuple[Any, ...]]:
    """Rows of a dictionary, by the hashes of their keys."""
    where = " AND ".join(f"{name} = %s" for name in of)
    sql = (
        f"SELECT {', '.join(columns)} FROM indelible_log.{table} WHERE {where} AND sha256(key) = ANY (ARRAY({HASHES}))"
    )
    packed = b"".join(hashes)
    return db.execute(sql.encode(), (*of.values(), packed, len(packed))).fetchall()


class Numbers:
    """Hands out the ids of a log's dictionaries: who holds the head's row is alone, and counts on."""

    def __init__(self, db: Connection[tuple[Any, ...]], log: int) -> None:
        self._db = db
        self._log = log
        self._last: dict[str, int] = {}

    def forget(self) -> None:
        self._last.clear()

    def take(self, table: str, count: int) -> range:
        if count and table not in self._last:
            sql = f"SELECT coalesce(max(id), 0) FROM indelible_log.{table} WHERE log_id = %s"
            ((self._last[table],),) = self._db.execute(sql.encode(), (self._log,)).fetchall()
        first = self._last.get(table, 0) + 1
        if count:
            self._last[table] += count
        return range(first, first + count)
