"""The dictionaries of an SQLite log: a name is stored once, entries carry its integer."""

from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

from indelible.event import Actor, Organization
from indelible.store.folding import fold, spellings
from indelible.store.sqlite.sql import queries

SQL = queries()
MAX_CACHED = 50_000  # rows remembered between transactions
_NOT_THERE = None, None, ""  # number, name and spellings of what has no row


class Dictionary:
    """Ids of names, with a cache. The cache is dropped when a transaction fails or another process wrote."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._seen: dict[tuple[Any, ...], Any] = {}
        self._version: object = None

    def refresh(self) -> None:
        """Call inside the transaction, before the first look-up."""
        version = self._db.pragma("data_version")
        if version != self._version or len(self._seen) > MAX_CACHED:
            self.forget()
        self._version = version

    def forget(self) -> None:
        self._seen.clear()

    def name(self, table: str, name: str) -> int:
        """The id in `action`, `operation`, `source` or `entity_type` (these four words, never input)."""
        key = (table, name)
        id_: int | None = self._seen.get(key)
        if id_ is None:
            found = self._one(f"SELECT id FROM {table} WHERE name = ?", name)
            add = f"INSERT INTO {table} (name, folded) VALUES (?, ?) RETURNING id"
            id_ = self._seen[key] = int((found or self._one(add, name, fold(*spellings(name))))[0])
        return id_

    def actor(self, actor: Actor) -> int:
        copy = msgspec.json.encode(actor).decode()
        key = ("actor", copy)
        if key not in self._seen:
            folded = fold(actor.name, actor.email, actor.id, actor.type)
            self._seen[key] = (self._one(SQL["actor"], copy) or self._one(SQL["add_actor"], copy, folded))[0]
        return int(self._seen[key])

    def organization(self, organization: Organization) -> int:
        return self._named(("organization", organization.id), organization.name)

    def organization_name(self, key: str) -> str | None:
        name: str | None = self._look(("organization", key))[1]
        return name

    def entity(self, type_id: int, key: str, name: str | None) -> int:
        return self._named(("entity", type_id, key), name)

    def expect(self, entities: Iterable[tuple[str, str]]) -> None:
        """Each is as near as all of them."""

    def entity_name(self, entity_type: str, key: str) -> str | None:
        """The name the log last knew this entity by."""
        name: str | None = self._entity(entity_type, key)[1]
        return name

    def entity_number(self, entity_type: str, key: str) -> int | None:
        number: int | None = self._entity(entity_type, key)[0]
        return number

    def _entity(self, entity_type: str, key: str) -> Any:
        found = self._one("SELECT id FROM entity_type WHERE name = ?", entity_type)
        return self._look(("entity", found[0], key)) if found else _NOT_THERE

    def _named(self, key: tuple[Any, ...], name: str | None) -> int:
        """The id of an organization or entity; learns its name when it has a new one."""
        id_, known, folded = self._seen.get(key) or self._look(key)
        if id_ is not None and (name is None or name == known):
            return int(id_)
        table, *columns = key
        if id_ is None:
            folded = fold(key[-1], name)
            (id_,) = self._one(SQL[f"add_{table}"], *columns, name, folded)
            self._seen[key] = (id_, name, folded)
        else:
            folded = fold(*folded.split("\n"), name)
            self._db.execute(SQL[f"name_{table}"], (name, folded, id_))
            self._seen[key] = (id_, name, folded)
        return int(id_)

    def _look(self, key: tuple[Any, ...]) -> Any:
        if key not in self._seen:
            found = self._one(SQL[key[0]], *key[1:])
            if found is None:
                return _NOT_THERE
            self._seen[key] = found
        return self._seen[key]

    def _one(self, sql: str, *values: Any) -> Any:
        return self._db.execute(sql, values).fetchone()
