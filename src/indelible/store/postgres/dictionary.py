"""The dictionaries of a log on PostgreSQL: a name is stored once, entries carry its integer.

What a batch needs and nobody has asked for yet is asked for, and made, all at once: a name costs no journey of its own.
"""

from hashlib import sha256
from typing import NamedTuple

import msgspec

from indelible.event import Actor, Event
from indelible.store.folding import fold, spellings
from indelible.store.postgres.names import Names
from indelible.store.postgres.tables import Tables

MAX_CACHED = 50_000  # rows remembered between transactions
PLAIN = ("action", "operation", "source", "entity_type", "actor")
COLUMNS = {"id": "int4", "key": "bytea", "folded": "bytea"}


class Keys(NamedTuple):
    """What stands for an event in each dictionary."""

    action: str
    operation: str
    source: str
    entity_type: str
    entity: tuple[str, str]
    actor: str
    organization: tuple[str] | None


class Dictionary:
    """Ids of names, with a cache that holds as long as nobody else appends."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ids: dict[str, dict[str, int]] = {table: {} for table in PLAIN}
        self._wanted: dict[str, dict[str, str]] = {table: {} for table in PLAIN}  # key to what is folded
        self.names = Names(tables)
        self._size = -1

    def refresh(self, size: int) -> None:
        """Call inside the transaction, with the size of the log: if it is not as it was left, others were here."""
        if size != self._size or sum(map(len, self._ids.values())) + len(self.names) > MAX_CACHED:
            self.forget()

    def keep(self, size: int) -> None:
        """The transaction is committed."""
        self._size = size

    def forget(self) -> None:
        self._size = -1
        for table in PLAIN:
            self._ids[table].clear()
            self._wanted[table].clear()
        self._tables.forget()
        self.names.forget()

    def want(self, event: Event) -> Keys:
        """The event's keys, for which there are ids after `settle`."""
        entity, organization = event.entity, event.organization
        keys = Keys(
            event.action, event.operation, event.context.source or "unknown", entity.type, (entity.type, entity.id),
            msgspec.json.encode(event.actor).decode(), (organization.id,) if organization else None,
        )  # fmt: skip
        ids, wanted = self._ids, self._wanted
        for table, key in zip(PLAIN[:4], keys, strict=False):
            if key not in ids[table]:
                wanted[table][str(key)] = fold(*spellings(str(key)))
        if keys.actor not in ids["actor"]:
            wanted["actor"][keys.actor] = _looks(event.actor)
        self.names.want("entity", keys.entity, entity.name)
        if organization and keys.organization:
            self.names.want("organization", keys.organization, organization.name)
        return keys

    def settle(self) -> None:
        """Find or make all that is wanted."""
        for table, wanted in self._wanted.items():
            if wanted:
                self._learn(table, wanted)
                wanted.clear()
        self.names.settle(self._ids["entity_type"])

    def _learn(self, table: str, wanted: dict[str, str]) -> None:
        ids, tables = self._ids[table], self._tables
        hashes = [sha256(key.encode()).digest() for key in wanted]
        ids.update((key.decode(), id_) for key, id_ in tables.find(table, "key, id", hashes))
        missing = [key for key in wanted if key not in ids]
        if missing:
            ids.update(zip(missing, tables.numbers(table, len(missing)), strict=True))
            tables.copy(table, COLUMNS, [(ids[key], key.encode(), wanted[key].encode()) for key in missing])

    def numbers(self, keys: Keys) -> tuple[int | None, ...]:
        """In the order of the columns of an entry."""
        ids, ask = self._ids, self.names.id
        return (
            ids["action"][keys.action],
            ids["operation"][keys.operation],
            ids["source"][keys.source],
            ids["entity_type"][keys.entity_type],
            ask("entity", keys.entity),
            ids["actor"][keys.actor],
            ask("organization", keys.organization) if keys.organization else None,
        )


def _looks(actor: Actor) -> str:
    return fold(actor.name, actor.email, actor.id, actor.type)
