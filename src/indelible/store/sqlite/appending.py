"""One transaction on the log's file."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import apsw

from indelible.event import Event, micros, seal
from indelible.merkle.tile import WIDTH, completed
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.store.sqlite.dictionary import SQL, Dictionary

TOGETHER = 1000  # rows held back, to be written in one go


class Appending:
    """Keeps `promise.Appending`. What is added is written at the latest by `write`."""

    def __init__(self, db: apsw.Connection, dictionary: Dictionary, frontier: Frontier) -> None:
        self._db = db
        self._frontier = frontier
        self._leaves: list[tuple[int, bytes, bytes]] = []
        self._entries: list[tuple[Any, ...]] = []
        self._ids: dict[bytes, int] = {}  # of the rows held back, and their places
        self._nodes: list[tuple[int, int, bytes]] = []
        self.names = dictionary

    @property
    def size(self) -> int:
        return self._frontier.size

    def known(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        found = {}
        for id_ in ids:
            place = self._ids.get(id_.bytes)
            if place is None:
                place = next((seq for (seq,) in self._db.execute(SQL["known"], (id_.bytes,))), None)
            if place is not None:
                found[id_] = place
        return found

    def add(self, event: Event) -> int:
        event.check()
        seq = self._frontier.size
        line, attachments = seal(event, seq)
        hash_, id_ = leaf_hash(line), event.id.bytes
        self._entries.append((seq, id_, *self._numbers(event)))
        self._leaves.append((seq, hash_, line))
        self._ids[id_] = seq
        for kept in attachments:
            self._db.execute(SQL["add_attachment"], (kept.hash, kept.nonce, kept.value))
        if seq % WIDTH == WIDTH - 1:
            self._nodes += completed(self._frontier, hash_)
        self._frontier.append(hash_)
        if len(self._leaves) >= TOGETHER:
            self.write()
        return seq

    def write(self) -> None:
        self._db.executemany(SQL["add_leaf"], self._leaves)
        self._db.executemany(SQL["add_entry"], self._entries)
        self._db.executemany(SQL["add_node"], self._nodes)
        self._leaves.clear()
        self._entries.clear()
        self._ids.clear()
        self._nodes.clear()

    def _numbers(self, event: Event) -> tuple[int | None, ...]:
        names, entity = self.names, event.entity
        type_id = names.name("entity_type", entity.type)
        return (
            micros(event.occurred_at),
            names.name("action", event.action),
            names.name("operation", event.operation),
            names.name("source", event.context.source or "unknown"),
            type_id,
            names.entity(type_id, entity.id, entity.name),
            names.actor(event.actor),
            names.organization(event.organization) if event.organization else None,
        )
