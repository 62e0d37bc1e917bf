"""The dictionaries of a log on PostgreSQL: a name is stored once, entries carry its integer.

What a batch needs and nobody has asked for yet is asked for, and made, all at once: a name costs no journey of its own.
"""

from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from indelible.event import Actor, Event
from indelible.store.folding import fold
from indelible.store.postgres.names import Names
from indelible.store.postgres.rows import Numbers, copy, find

MAX_CACHED = 50_000  # rows remembered between transactions
PLAIN = ("action", "operation", "source", "entity_type", "actor")
COLUMNS = {"log_id": "int4", "id": "int4", "key": "bytea", "folded": "bytea"}


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

    def __init__(self, db: Connection[tuple[Any, ...]], log: int) -> None:
        self._db = db
        self._log = log
        self._ids: dict[str, dict[str, int]] = {table: {} for table in PLAIN}
        self._wanted: dict[str, dict[str, str]] = {table: {} for table in PLAIN}  # key to what is folded
        self._numbers = Numbers(db, log)
        self.names = Names(db, log, self._numbers)
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
        self._numbers.forget()
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
                wanted[table][str(key)] = fold(str(key), str(key).replace("_", "."), str(key).replace("_", " "))
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
                hashes = [sha256(key.encode()).digest() for key in wanted]
                self._ids[table].update((key.decode(), id_) for key, id_, _ in self._having(table, hashes))
                missing = [key for key in wanted if key not in self._ids[table]]
                self._ids[table].update(zip(missing, self._numbers.take(table, len(missing)), strict=True))
                added = [(self._log, self._ids[table][key], key.encode(), wanted[key].encode()) for key in missing]
                copy(self._db, table, COLUMNS, added)
                wanted.clear()
        self.names.settle(self._ids["entity_type"])

    def _having(self, table: str, hashes: list[bytes]) -> list[tuple[Any, ...]]:
        return find(self._db, table, ("key", "id", "folded"), {"log_id": self._log}, hashes)

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
