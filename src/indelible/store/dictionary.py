"""The dictionaries of a log: a name is stored once, entries carry its integer.

What a batch needs and nobody has asked for yet is asked for, and made, all at once: a name costs no journey of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from indelible.event import Actor, Event
from indelible.store.folding import fold, spellings
from indelible.store.promise import Dimension

MAX_CACHED = 50_000  # rows remembered between transactions
PLAIN: tuple[Dimension, ...] = ("action", "operation", "source", "entity_type", "actor")
NAMED: tuple[Dimension, ...] = ("organization", "entity")  # what has a name that may become another

Key = tuple[str, ...]  # what a row is of: (text,), or (type, id) of an entity


class Tables(Protocol):
    """The dictionaries in the database, many rows at once, within the transaction that appends: nobody else writes."""

    def find(self, table: Dimension, keys: Sequence[Key]) -> Iterable[tuple[Key, int, str | None, str]]:
        """Those that are there: key, id, name and spellings."""

    def numbers(self, table: Dimension, count: int) -> range:
        """The next ids."""

    def add(self, table: Dimension, rows: Sequence[tuple[Any, ...]]) -> None:
        """(id, key, spellings); of what is named (id, key, name, spellings), of entities (id, type's id, ...)."""

    def rename(self, table: Dimension, rows: Sequence[tuple[str | None, str, int]]) -> None:
        """(name, spellings, id)"""

    def forget(self) -> None:
        """Others may have been here."""


class Row(msgspec.Struct, gc=False):  # there are many, for long
    """What stands for a key. Without an id it is not there yet, as far as anybody has looked."""

    folded: str = ""  # what a search compares
    id: int | None = None
    name: str | None = None
    last: str | None = None  # what it was called last, in this transaction too
    given: tuple[str, ...] = ()  # what it was called in this transaction

    def call(self, name: str) -> None:
        self.last = name
        self.given += (name,)

    def read(self, id_: int, name: str | None, folded: str) -> None:
        """As the database has it."""
        self.id, self.name, self.folded = id_, name, folded
        if not self.given:
            self.last = name

    def learn(self, key: str) -> bool:
        """Make what it was called its own. False: there is nothing new in it."""
        before = self.name, self.folded
        self.name, self.folded = self.last, fold(*(self.folded or key).split("\n"), *self.given)
        self.given = ()
        return before != (self.name, self.folded)


class Dictionary:
    """Rows of names, kept as long as nobody else appends. Keeps `promise.Names`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows: dict[Dimension, dict[Any, Row]] = {table: {} for table in (*PLAIN, *NAMED)}
        self._unread: dict[Dimension, dict[Key, Row]] = {table: {} for table in self._rows}
        self._changed: dict[Dimension, dict[Key, Row]] = {table: {} for table in self._rows}
        self._size = -1

    def refresh(self, size: int) -> None:
        """Call inside the transaction, with the size of the log: if it is not as it was left, others were here."""
        if size != self._size or sum(map(len, self._rows.values())) > MAX_CACHED:
            self.forget()

    def keep(self, size: int) -> None:
        """The transaction is committed."""
        self._size = size

    def forget(self) -> None:
        self._size = -1
        for held in (self._rows, self._unread, self._changed):
            for table in held.values():
                table.clear()
        self._tables.forget()

    def want(self, event: Event) -> tuple[Row | None, ...]:
        """The event's rows, in the order of the columns of an entry. They have ids after `settle`."""
        entity, source, organization = event.entity, event.context.source or "unknown", event.organization
        return (
            self._rows["action"].get(event.action) or self._plain("action", event.action),
            self._rows["operation"].get(event.operation) or self._plain("operation", event.operation),
            self._rows["source"].get(source) or self._plain("source", source),
            self._rows["entity_type"].get(entity.type) or self._plain("entity_type", entity.type),
            self._named("entity", (entity.type, entity.id), entity.name),
            self._rows["actor"].get(event.actor) or self._actor(event.actor),
            self._named("organization", (organization.id,), organization.name) if organization else None,
        )

    def settle(self) -> None:
        """Find or make all that is wanted."""
        for table in (*PLAIN, *NAMED):
            self._read(table)
            changed = self._changed[table]
            if not changed:
                continue
            new, renamed = dict[Key, Row](), list[tuple[str | None, str, int]]()
            for key, row in changed.items():
                learnt = table in NAMED and row.learn(key[-1])
                if row.id is None:
                    new[key] = row
                elif learnt:
                    renamed.append((row.name, row.folded, row.id))
            self._add(table, new)
            self._tables.rename(table, renamed)
            changed.clear()

    def expect(self, entities: Iterable[tuple[str, str]]) -> None:
        for key in entities:
            self._known("entity", key)

    def entity_number(self, entity_type: str, key: str) -> int | None:
        return self._look("entity", (entity_type, key)).id

    def entity_name(self, entity_type: str, key: str) -> str | None:
        return self._look("entity", (entity_type, key)).last

    def organization_name(self, key: str) -> str | None:
        return self._look("organization", (key,)).last

    def _plain(self, table: Dimension, name: str) -> Row:
        return self._new(table, name, (name,), fold(*spellings(name)))

    def _actor(self, actor: Actor) -> Row:
        """A row for each way an actor has looked."""
        copy = msgspec.json.encode(actor).decode()
        return self._new("actor", actor, (copy,), fold(actor.name, actor.email, actor.id, actor.type))

    def _new(self, table: Dimension, cached: object, key: Key, folded: str) -> Row:
        row = self._rows[table][cached] = self._unread[table][key] = self._changed[table][key] = Row(folded)
        return row

    def _named(self, table: Dimension, key: Key, name: str | None) -> Row:
        """It learns its name when it has a new one."""
        row = self._rows[table].get(key) or self._known(table, key)
        if name is not None and name != row.last:
            row.call(name)
            self._changed[table][key] = row
        elif row.id is None:
            self._changed[table][key] = row
        return row

    def _known(self, table: Dimension, key: Key) -> Row:
        row = self._rows[table].get(key)
        if row is None:
            row = self._rows[table][key] = self._unread[table][key] = Row()
        return row

    def _look(self, table: Dimension, key: Key) -> Row:
        row = self._known(table, key)
        if not row.given and key in self._unread[table]:
            self._read(table)
        return row

    def _read(self, table: Dimension) -> None:
        """What the database has of those that nobody read yet."""
        unread = self._unread[table]
        if unread:
            for key, id_, name, folded in self._tables.find(table, list(unread)):
                unread[key].read(id_, name, folded)
            unread.clear()

    def _add(self, table: Dimension, new: dict[Key, Row]) -> None:
        if not new:
            return
        rows: list[tuple[Any, ...]] = []
        for id_, (key, row) in zip(self._tables.numbers(table, len(new)), new.items(), strict=True):
            row.id = id_
            type_ = [self._rows["entity_type"][key[0]].id] if table == "entity" else []
            named = [row.name] if table in NAMED else []
            rows.append((id_, *type_, key[-1], *named, row.folded))
        self._tables.add(table, rows)
