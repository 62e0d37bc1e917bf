"""The dictionaries of a log's file, many rows at once. Their names and columns are this program's, never input."""

from collections.abc import Iterator, Sequence
from typing import Any

import apsw

from indelible.store.dictionary import NAMED, PLAIN, Key
from indelible.store.promise import Dimension

KEYS: dict[Dimension, str] = {"actor": "copy", "organization": "key", "entity": "key"}  # the column; others: `name`


class Tables:
    """Keeps `dictionary.Tables`."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._last: dict[Dimension, int] = {}  # the highest id of each dictionary

    def forget(self) -> None:
        self._last.clear()

    def find(self, table: Dimension, keys: Sequence[Key]) -> Iterator[tuple[Key, int, str | None, str]]:
        for *key, id_, name, folded in self._db.executemany(FIND[table], keys):
            yield tuple(key), id_, name, folded

    def numbers(self, table: Dimension, count: int) -> range:
        if table not in self._last:
            ((self._last[table],),) = self._db.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        first = self._last[table] + 1
        self._last[table] += count
        return range(first, first + count)

    def add(self, table: Dimension, rows: Sequence[tuple[Any, ...]]) -> None:
        self._db.executemany(ADD[table], rows)

    def rename(self, table: Dimension, rows: Sequence[tuple[str | None, str, int]]) -> None:
        self._db.executemany(f"UPDATE {table} SET name = ?, folded = ? WHERE id = ?", rows)


def _find(table: Dimension) -> str:
    key = KEYS.get(table, "name")
    columns = f"{key}, id, {'name' if table in NAMED else 'NULL'}, folded"
    if table == "entity":
        type_id = "(SELECT id FROM entity_type WHERE name = ?1)"
        return f"SELECT ?1, {columns} FROM entity WHERE type_id = {type_id} AND key = ?2"
    return f"SELECT {columns} FROM {table} WHERE {key} = ?"


def _add(table: Dimension) -> str:
    columns = [
        "id",
        *["type_id"] * (table == "entity"),
        KEYS.get(table, "name"),
        *["name"] * (table in NAMED),
        "folded",
    ]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


FIND = {table: _find(table) for table in (*PLAIN, *NAMED)}
ADD = {table: _add(table) for table in (*PLAIN, *NAMED)}
