"""The database as it was at one moment: a copy, made by SQLite itself, so that nobody waits for whoever reads it."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.record import Record
from indelible.capture.sqlite.describe import table_names
from indelible.capture.sqlite.names import ROWID, quote
from indelible.capture.sqlite.outbox import SQLiteOutbox, source_id
from indelible.capture.sqlite.record import spell_row


class SQLiteSnapshot:
    """Keeps `capture.source.Snapshot`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Raises CaptureError if nothing is watched there."""
        source_id(db, path)
        self._folder = tempfile.TemporaryDirectory(prefix="indelible-")
        copied = Path(self._folder.name) / "copy.db"
        copy = sqlite3.connect(copied)
        db.backup(copy)
        copy.close()
        self._outbox = SQLiteOutbox(copied)
        self._db = self._outbox.connection
        found = self._db.execute("SELECT table_name, definition FROM indelible_watch ORDER BY id").fetchall()
        self._ever = [(table, text and msgspec.json.decode(text, type=Definition)) for table, text in found]

    def close(self) -> None:
        self._outbox.close()
        self._folder.cleanup()

    def watched(self) -> list[Definition]:
        newest = dict(self._ever)
        return [each for name in table_names(self._db) if (each := newest.get(name)) is not None]

    def ever_watched(self) -> list[Definition]:
        return [each for _, each in self._ever if each is not None]

    def waiting(self) -> Iterator[Record]:
        for batch in self._outbox.batches():
            yield from batch.records

    def rows(self, definition: Definition) -> Iterator[dict[str, Any]]:
        there = {name for (name,) in self._db.execute("SELECT name FROM pragma_table_xinfo(?)", (definition.table,))}
        names = [each.name for each in definition.columns if each.name in there or each.name in ROWID]
        columns = ", ".join(map(quote, names))
        for values in self._db.execute(f"SELECT {columns} FROM {quote(definition.table)}"):
            yield spell_row(dict(zip(names, values, strict=True)), definition)
