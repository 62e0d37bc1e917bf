"""Indelible, read where an auditor reads it: the entries of a sealed log."""

import base64
import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import msgspec

from indelible.actions import ActionMap, TableMap
from indelible.capture.source import Outbox, open_source
from indelible.event import Entry, read
from indelible.log import Log
from indelible.sealer import Sealer
from indelible.values import BrokenText
from tests.capture_torture.engines import canonical, identical
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Engine, Statement
from tests.capture_torture.place import Adapter, Place
from tests.checking import check_signed


class Ours:
    """What is the same on every engine."""

    def __init__(self) -> None:
        self.rules = Rules(self._same, self._same_key)
        self._folder = tempfile.TemporaryDirectory(prefix="torture")
        self._read = 0  # entries
        self._outbox: Outbox | None = None
        self._log = Log.create(f"sqlite:///{self._folder.name}/audit.db", "audit.example/torture")

    def install(self, place: Place) -> None:
        self._place = place
        self._url = f"sqlite:///{place.url}" if place.engine == "sqlite" else place.url
        # By default `license` and `licenses` are one entity type; the map tells tables apart whatever they are called.
        self._entities = {f"T{i}": name for i, name in enumerate(place.tables)}
        told = {name: TableMap(entity=entity) for entity, name in self._entities.items()}
        with closing(open_source(self._url)) as source:
            source.watch(None, ActionMap(told))
            self._outbox = source.outbox()
        self._sealer = Sealer(self._outbox, self._log)

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
        """What was sealed since the last time, of the application's own."""
        self._sealer.seal()
        entries = [read(line) for _, _, line in self._log.leaves(self._read, 2**62)]
        self._read += len(entries)
        return [self._recorded(entry) for entry in entries if entry.entity.type in self._entities]

    def close(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
        self._log.close()
        self._folder.cleanup()

    def _recorded(self, entry: Entry) -> Recorded:
        table = self._place.tables[self._entities[entry.entity.type]]
        told = {column: change for column, change in entry.changes.items() if column in table.columns}  # no rowid
        old = {column: change["old"] for column, change in told.items() if "old" in change}
        new = {column: change["new"] for column, change in told.items() if "new" in change}
        return Recorded(entry.operation, table.name, entry.entity.id if table.key else None, old, new)

    def _kept(self, recorded: Any) -> Any:
        """A large value is kept beside the log; its hash stands in the entry."""
        large = isinstance(recorded, dict) and "sha256" in recorded
        return self._log.attached(recorded["sha256"]) if large else recorded

    def key_of(self, row: dict[str, Any], key: tuple[str, ...]) -> str | None:
        """As an entry names a row."""
        return _name([self._native(row[column]) for column in key]) if key else None

    def _native(self, spelled: Any) -> Any:
        return native(spelled)

    def _same(self, expected: Any, type_: str, recorded: Any) -> bool:
        raise NotImplementedError

    def _same_key(self, key: tuple[Any, ...], types: tuple[str, ...], recorded: Any) -> bool:
        """An entity's id is a text for people; what stands in it are the key's values as they are spelled."""
        raise NotImplementedError


class OursOnSqlite(Ours):
    def _same(self, expected: Any, _type: str, recorded: Any) -> bool:
        return identical(expected, native(self._kept(recorded))) or (_beyond(expected) and recorded == str(expected))

    def _same_key(self, key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        return bool(recorded == _name(key))


class OursOnPostgres(Ours):
    """An entry's values are held against what the server calls them, as text."""

    def _same(self, expected: Any, type_: str, recorded: Any) -> bool:
        told, wanted = native(self._kept(recorded)), canonical(expected, "postgres")
        if isinstance(told, float) and isinstance(wanted, str):  # one number has many texts
            return identical(told, float(wanted))
        if type_.startswith("character(") and isinstance(told, str):  # ours has the blanks, a cast to text has not
            return bool(told.rstrip(" ") == wanted)
        return bool(canonical(told, "postgres") == wanted)

    def _same_key(self, key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        return bool(recorded == _name(key))


ADAPTERS: dict[Engine, Callable[[], Adapter]] = {"sqlite": OursOnSqlite, "postgres": OursOnPostgres}


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
        case {"integer": str(text)}:
            return int(text)
        case {"text": str(text)}:
            return BrokenText(base64.b64decode(text))
    return spelled
