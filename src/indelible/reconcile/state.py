"""The rows as the log has them: entries, replayed in order into a temporary file."""

from collections.abc import Callable, Iterator
from typing import Any

import apsw
import msgspec

SCHEMA = """
CREATE TABLE row (
  number INTEGER PRIMARY KEY, named TEXT NOT NULL, place TEXT NOT NULL, body TEXT NOT NULL,
  counted INTEGER NOT NULL  -- by a baseline, which tells of each row once
);
CREATE INDEX row_place ON row (named, place, number);
"""
# The oldest of those in one place: rows that swap keys in one statement are there together for a moment.
FIND = "SELECT number, body FROM row WHERE named = ? AND place = ? AND counted <= ? ORDER BY number LIMIT 1"


class State:
    """Rows by table and place; see `capture.identity.place`. Close it."""

    def __init__(self) -> None:
        self._db = apsw.Connection("")  # a file of its own, gone with the connection
        self._db.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        self._db.execute(SCHEMA)
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    def put(self, table: str, place: str, row: dict[str, Any], *, counted: bool = False) -> None:
        values = (table, place, msgspec.json.encode(row).decode(), counted)
        self._db.execute("INSERT INTO row (named, place, body, counted) VALUES (?, ?, ?, ?)", values)

    def take(self, table: str, place: str, *, counted: bool = True) -> dict[str, Any] | None:
        """Remove a row and give it; None if the log knows of none there, or of none but those that are `counted`."""
        found = next(iter(self._db.execute(FIND, (table, place, counted))), None)
        if found is None:
            return None
        number, body = found
        self._db.execute("DELETE FROM row WHERE number = ?", (number,))
        row: dict[str, Any] = msgspec.json.decode(str(body))
        return row

    def move(self, table: str, place: Callable[[dict[str, Any]], str]) -> None:
        """Its rows are told apart otherwise."""
        self._db.create_scalar_function("place", lambda *body: place(msgspec.json.decode(str(body[0]))), 1)
        self._db.execute("UPDATE row SET place = place(body) WHERE named = ?", (table,))

    def rename(self, table: str, name: str) -> None:
        self._db.execute("UPDATE row SET named = ? WHERE named = ?", (name, table))

    def forget(self, table: str) -> None:
        """From here on nothing is known of a table's rows."""
        self._db.execute("DELETE FROM row WHERE named = ?", (table,))

    def left(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What nobody took: place and row."""
        for place, body in self._db.execute("SELECT place, body FROM row WHERE named = ? ORDER BY number", (table,)):
            yield str(place), msgspec.json.decode(str(body))
