"""One transaction on the log's file."""

from uuid import UUID

import apsw

from indelible.event import Event, micros, seal
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.store.sqlite.dictionary import SQL, Dictionary


class Appending:
    """Keeps `promise.Appending`."""

    def __init__(self, db: apsw.Connection, dictionary: Dictionary, frontier: Frontier) -> None:
        self._db = db
        self._frontier = frontier
        self.names = dictionary

    @property
    def size(self) -> int:
        return self._frontier.size

    def knows(self, id_: UUID) -> bool:
        return self._db.execute(SQL["known"], (id_.bytes,)).fetchone() is not None

    def add(self, event: Event) -> int:
        event.check()
        seq = self._frontier.size
        line, attachments = seal(event, seq)
        hash_ = leaf_hash(line)
        self._db.execute(SQL["add_leaf"], (seq, hash_, line))
        self._db.execute(SQL["add_entry"], (seq, event.id.bytes, *self._numbers(event)))
        for kept in attachments:
            self._db.execute(SQL["add_attachment"], (kept.hash, kept.nonce, kept.value))
        self._frontier.append(hash_)
        return seq

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
