"""The dictionaries of a log on PostgreSQL: a name is stored once, entries carry its integer.

What a batch needs and nobody has asked for yet is asked for, and made, all at once: a name costs no journey of its own.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from indelible.event import Actor, Event
from indelible.store.folding import fold
from indelible.store.postgres.names import Names

MAX_CACHED = 50_000  # rows remembered between transactions
PLAIN = ("action", "operation", "source", "entity_type", "actor")

# One of PLAIN stands for the table, never input.
_FIND = """SELECT id, key FROM indelible_log.{table} WHERE log_id = %s
AND sha256(key) = ANY (SELECT sha256(k) FROM unnest(%s::bytea[]) k)"""
_ADD = """INSERT INTO indelible_log.{table} (log_id, key, folded)
SELECT %s, * FROM unnest(%s::bytea[], %s::bytea[]) RETURNING id, key"""


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
        self.names = Names(db, log)
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
        self.names.forget()

    def want(self, event: Event) -> Keys:
        """The event's keys, for which there are ids after `settle`."""
        entity, organization = event.entity, event.organization
        keys = Keys(
            event.action, event.operation, event.context.source or "unknown", entity.type, (entity.type, entity.id),
            msgspec.json.encode(event.actor).decode(), (organization.id,) if organization else None,
        )  # fmt: skip
        for table, key in zip(PLAIN[:4], keys, strict=False):
            if key not in self._ids[table]:
                self._wanted[table][str(key)] = fold(str(key), str(key).replace("_", "."), str(key).replace("_", " "))
        if keys.actor not in self._ids["actor"]:
            self._wanted["actor"][keys.actor] = _looks(event.actor)
        self.names.want("entity", keys.entity, entity.name)
        if organization and keys.organization:
            self.names.want("organization", keys.organization, organization.name)
        return keys

    def settle(self) -> None:
        """Find or make all that is wanted."""
        for table, wanted in self._wanted.items():
            if wanted:
                self._learn(table, _FIND, list(wanted))
                missing = {key: folded for key, folded in wanted.items() if key not in self._ids[table]}
                self._learn(table, _ADD, list(missing), list(missing.values()))
                wanted.clear()
        self.names.settle(self._ids["entity_type"])

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

    def _learn(self, table: str, sql: str, keys: Sequence[str], *more: Sequence[str]) -> None:
        if keys:
            arrays = [[text.encode() for text in texts] for texts in (keys, *more)]
            rows = self._db.execute(sql.format(table=table).encode(), (self._log, *arrays)).fetchall()
            self._ids[table].update((key.decode(), id_) for id_, key in rows)


def _looks(actor: Actor) -> str:
    return fold(actor.name, actor.email, actor.id, actor.type)
