"""One transaction on the log's file."""

from collections.abc import Sequence
from uuid import UUID

import apsw

from indelible.event import Event, micros, seal
from indelible.merkle.tile import grow
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.store.dictionary import Dictionary, Row
from indelible.store.sqlite.sql import SQL

TOGETHER = 1000  # rows held back, to be written in one go


class Appending:
    """Keeps `promise.Appending`. What is added is written at the latest by `write`."""

    def __init__(self, db: apsw.Connection, dictionary: Dictionary, frontier: Frontier) -> None:
        self._db = db
        self._frontier = frontier  # of what is written
        self._leaves: list[tuple[int, bytes, bytes]] = []
        self._entries: list[tuple[bytes, int, tuple[Row | None, ...]]] = []
        self._dictionary = self.names = dictionary

    @property
    def size(self) -> int:
        return self._frontier.size + len(self._leaves)

    def known(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        found = {UUID(bytes=id_): seq for id_, seq in self._db.executemany(SQL["known"], [(id_.bytes,) for id_ in ids])}
        held = {id_: seq for seq, (id_, *_) in enumerate(self._entries, self._frontier.size)}
        return found | {id_: held[id_.bytes] for id_ in ids if id_.bytes in held}

    def add(self, event: Event) -> int:
        event.check()
        seq = self._frontier.size + len(self._leaves)
        line, attachments = seal(event, seq)
        self._entries.append((event.id.bytes, micros(event.occurred_at), self._dictionary.want(event)))
        self._leaves.append((seq, leaf_hash(line), line))
        for kept in attachments:
            self._db.execute(SQL["add_attachment"], (kept.hash, kept.nonce, kept.value))
        if len(self._leaves) >= TOGETHER:
            self.write()
        return seq

    def write(self) -> None:
        first = self._frontier.size
        self._db.executemany(SQL["add_leaf"], self._leaves)
        self._db.executemany(SQL["add_node"], grow(self._frontier, [hash_ for _, hash_, _ in self._leaves]))
        self._dictionary.settle()
        entries = [
            (seq, id_, at, *[row and row.id for row in rows])
            for seq, (id_, at, rows) in enumerate(self._entries, first)
        ]
        self._db.executemany(SQL["add_entry"], entries)
        self._leaves.clear()
        self._entries.clear()
