"""Indelible on SQLite, read where an auditor reads it: the entries of a sealed log."""

import base64
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from indelible.actions import ActionMap, TableMap
from indelible.capture.outbox import Outbox
from indelible.capture.sqlite import install
from indelible.event import Entry, read
from indelible.log import Log
from indelible.sealer import Sealer
from indelible.values import BrokenText
from tests.capture_torture.engines import identical
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Statement
from tests.capture_torture.place import Place
from tests.checking import check_signed


class OursOnSqlite:
    def __init__(self) -> None:
        self.rules = Rules(self._same, self._same_key)
        self._folder = tempfile.TemporaryDirectory(prefix="torture")
        self._read = 0  # entries
        self._sealer: Sealer | None = None
        self._log = Log.create(f"sqlite:///{self._folder.name}/audit.db", "audit.example/torture")

    def install(self, place: Place) -> None:
        self._place = place
        # By default `license` and `licenses` are one entity type; the map tells tables apart whatever they are called.
        self._entities = {f"T{i}": name for i, name in enumerate(place.tables)}
        told = {name: TableMap(entity=entity) for entity, name in self._entities.items()}
        with place.connection() as db:
            install(db, None, ActionMap(told))

    def settle(self) -> None:
        self.more()

    def run(self, statements: Sequence[Statement]) -> None:
        with self._place.writer() as db:
            self._place.run(db, statements)

    def recorded(self) -> list[Recorded]:
        told = self.more()
        check_signed(self._log)
        return told

    def more(self) -> list[Recorded]:
        """What was sealed since the last time."""
        if self._sealer is None:
            self._sealer = Sealer(Outbox(Path(self._place.url)), self._log)
        self._sealer.seal()
        entries = [read(line) for _, _, line in self._log.leaves(self._read, 2**62)]
        self._read += len(entries)
        return [self._recorded(entry) for entry in entries]

    def key_of(self, row: dict[str, Any], key: tuple[str, ...]) -> str | None:
        """As an entry names a row."""
        return _name([native(row[column]) for column in key]) if key else None

    def close(self) -> None:
        if self._sealer is not None:
            self._sealer.close()
        self._log.close()
        self._folder.cleanup()

    def _recorded(self, entry: Entry) -> Recorded:
        table = self._place.tables[self._entities[entry.entity.type]]
        told = {column: change for column, change in entry.changes.items() if column in table.columns}  # no rowid
        old = {column: change["old"] for column, change in told.items() if "old" in change}
        new = {column: change["new"] for column, change in told.items() if "new" in change}
        return Recorded(entry.operation, table.name, entry.entity.id if table.key else None, old, new)

    def _same(self, expected: Any, _type: str, recorded: Any) -> bool:
        if isinstance(recorded, dict) and "sha256" in recorded:
            recorded = self._kept(recorded)
        return identical(expected, native(recorded)) or (_beyond(expected) and recorded == str(expected))

    def _kept(self, recorded: dict[str, Any]) -> Any:
        """A large value is kept beside the log; its hash stands in the entry."""
        ((value,),) = self._log.select(
            "SELECT value FROM attachment WHERE hash = ?", (bytes.fromhex(recorded["sha256"]),)
        )
        return msgspec.json.decode(value)

    @staticmethod
    def _same_key(key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        """An entity's id is a text for people; what stands in it are the key's values as they are spelled."""
        return bool(recorded == _name(key))


def _name(key: Sequence[Any]) -> str:
    parts = [part if isinstance(part, str) else "" if part is None else _plain(part) for part in key]
    return "/".join(parts) or "(empty)"


def _beyond(value: Any) -> bool:
    return type(value) is int and abs(value) > 2**53


def _plain(value: Any) -> str:
    if isinstance(value, BrokenText):
        return _json({"text": base64.b64encode(value).decode()})
    if isinstance(value, bytes):
        return _json({"bytes": base64.b64encode(value).decode()})
    return str(value) if _beyond(value) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def native(spelled: Any) -> Any:
    """What docs/format.md says a value in an entry stands for."""
    match spelled:
        case {"float": "NaN"}:
            return math.nan
        case {"float": "Infinity"}:
            return math.inf
        case {"float": "-Infinity"}:
            return -math.inf
        case {"bytes": str(text)}:
            return base64.b64decode(text)
        case {"text": str(text)}:
            return BrokenText(base64.b64decode(text))
    return spelled
