"""Entities and organizations: what has a name that may become another, and is found by all that it ever had."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from indelible.store.folding import fold
from indelible.store.postgres.connection import SQL
from indelible.store.postgres.tables import Tables

Table = Literal["entity", "organization"]
Key = tuple[str, ...]  # (type, id) or (id,)
NAMED = {"key": "bytea", "name": "bytea", "folded": "bytea"}
COLUMNS: dict[Table, dict[str, str]] = {
    "entity": {"id": "int4", "type_id": "int4"} | NAMED,
    "organization": {"id": "int4"} | NAMED,
}


@dataclass
class _Known:
    """A row; without an id it is not there yet. `given` are the names that it was called since it was read."""

    id: int | None = None
    name: str | None = None
    folded: str = ""
    given: list[str] = field(default_factory=list)

    @property
    def last(self) -> str | None:
        return self.given[-1] if self.given else self.name

    def take(self, key: str) -> bool:
        """Make what was given its own. False: there is nothing new in it."""
        before = self.name, self.folded
        self.name, self.folded = self.last, fold(*(self.folded or key).split("\n"), *self.given)
        self.given.clear()
        return before != (self.name, self.folded)


class Names:
    """Keeps `promise.Names`, and the numbers that entries carry."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows: dict[Table, dict[Key, _Known]] = {"entity": {}, "organization": {}}
        self._changed: dict[Table, dict[Key, _Known]] = {"entity": {}, "organization": {}}
        self._unread: dict[Table, dict[Key, _Known]] = {"entity": {}, "organization": {}}

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def forget(self) -> None:
        for held in (self._rows, self._changed, self._unread):
            held["entity"].clear()
            held["organization"].clear()

    def expect(self, entities: Iterable[tuple[str, str]]) -> None:
        for key in entities:
            if key not in self._rows["entity"]:
                self._rows["entity"][key] = self._unread["entity"][key] = _Known()

    def entity_number(self, entity_type: str, key: str) -> int | None:
        return self._known("entity", (entity_type, key)).id

    def entity_name(self, entity_type: str, key: str) -> str | None:
        return self._known("entity", (entity_type, key)).last

    def organization_name(self, key: str) -> str | None:
        return self._known("organization", (key,)).last

    def id(self, table: Table, key: Key) -> int | None:
        return self._rows[table][key].id

    def want(self, table: Table, key: Key, name: str | None) -> None:
        """There is to be a row; it learns its name when it has a new one."""
        row = self._rows[table].get(key)
        if row is None:
            row = self._rows[table][key] = self._unread[table][key] = _Known()
        renamed = name is not None and name != row.last
        if row.id is None or renamed:
            self._changed[table][key] = row
        if renamed and name is not None:
            row.given.append(name)

    def settle(self, types: dict[str, int]) -> None:
        """Write what was wanted. `types`: the numbers of the entities' types."""
        for table in ("organization", "entity"):
            self._read(table)
            changed = self._changed[table]
            new = {key: row for key, row in changed.items() if row.id is None}
            named = [row for key, row in changed.items() if row.take(key[-1]) and row.id is not None]
            if new:
                self._add(table, new, types)
            if named:
                self._rename(table, named)
            changed.clear()

    def _known(self, table: Table, key: Key) -> _Known:
        if key not in self._rows[table]:
            self._rows[table][key] = self._unread[table][key] = _Known()
        row = self._rows[table][key]
        if not row.given and key in self._unread[table]:
            self._read(table)
        return row

    def _read(self, table: Table) -> None:
        """What the log has of those that nobody read yet."""
        unread, kinds = self._unread[table], dict[Key, list[Key]]()
        for key in unread:
            kinds.setdefault(key[:-1], []).append(key)
        for kind, keys in kinds.items():
            hashes = [sha256(key[-1].encode()).digest() for key in keys]
            for found, id_, name, folded in self._tables.find(table, "key, id, name, folded", hashes, *kind):
                row = unread[*kind, found.decode()]
                row.id, row.name, row.folded = id_, _text(name), folded.decode()
        unread.clear()

    def _add(self, table: Table, new: dict[Key, _Known], types: dict[str, int]) -> None:
        rows = []
        for id_, (key, row) in zip(self._tables.numbers(table, len(new)), new.items(), strict=True):
            row.id = id_
            kind = [types[key[0]]] if table == "entity" else []
            rows.append((id_, *kind, key[-1].encode(), _bytes(row.name), row.folded.encode()))
        self._tables.copy(table, COLUMNS[table], rows)

    def _rename(self, table: Table, named: list[_Known]) -> None:
        values = [(_bytes(row.name), row.folded.encode(), self._tables.log, row.id) for row in named]
        with self._tables.db.cursor() as cursor:
            cursor.executemany(SQL[f"name_{table}"], values)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
