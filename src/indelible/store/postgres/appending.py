"""One transaction on a log in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from indelible.errors import ConflictError
from indelible.event import Event, micros, seal
from indelible.merkle.tile import grow
from indelible.merkle.tree import leaf_hash
from indelible.store.dictionary import Dictionary, Row
from indelible.store.postgres.connection import SQL
from indelible.store.postgres.tables import Tables
from indelible.store.promise import Head, Names

TOGETHER = 1000  # rows held back, to be written in one go
LEAF = {"seq": "int8", "hash": "bytea", "line": "bytea"}
NUMBERS = ("action", "operation", "source", "entity_type", "entity", "actor", "organization")
ENTRY = {"seq": "int8", "at": "int8", **{f"{name}_id": "int4" for name in NUMBERS}, "id": "uuid"}


class Appending:
    """Keeps `promise.Appending`. What is added is written at the latest by `write`."""

    def __init__(self, tables: Tables, dictionary: Dictionary, head: Head) -> None:
        self._db = tables.db
        self._tables = tables
        self._dictionary = dictionary
        self._frontier = head.frontier.copy()  # of what is written
        self._leaves: list[tuple[int, bytes, bytes]] = []
        self._entries: list[tuple[int, int, tuple[Row | None, ...], UUID]] = []
        self._attachments: list[tuple[int, bytes, bytes, bytes]] = []

    @property
    def names(self) -> Names:
        return self._dictionary

    @property
    def size(self) -> int:
        return self._frontier.size + len(self._leaves)

    def known(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        found = dict(self._db.execute(SQL["known"], (list(ids), self._tables.log)).fetchall())
        held = {id_: seq for seq, *_, id_ in self._entries}
        return found | {id_: held[id_] for id_ in ids if id_ in held}

    def add(self, event: Event) -> int:
        event.check()
        seq = self.size
        line, attachments = seal(event, seq)
        self._leaves.append((seq, leaf_hash(line), line))
        self._entries.append((seq, micros(event.occurred_at), self._dictionary.want(event), event.id))
        self._attachments += [(self._tables.log, kept.hash, kept.nonce, kept.value) for kept in attachments]
        if len(self._leaves) >= TOGETHER:
            self.write()
        return seq

    def write(self) -> None:
        """All that is held back, and the head behind it. Raises ConflictError if somebody else moved that."""
        if not self._leaves:
            return
        self._tables.copy("leaf", LEAF, self._leaves)
        self._dictionary.settle()
        entries = [(seq, at, *[row and row.id for row in rows], id_) for seq, at, rows, id_ in self._entries]
        self._tables.copy("entry", ENTRY, entries)
        before = self._frontier.size
        nodes = grow(self._frontier, [hash_ for _, hash_, _ in self._leaves])
        with self._db.cursor() as cursor:
            cursor.executemany(SQL["add_node"], [(self._tables.log, *node) for node in nodes])
            cursor.executemany(SQL["add_attachment"], self._attachments)
        self._move_head(before)
        for held in (self._leaves, self._entries, self._attachments):
            held.clear()

    def _move_head(self, expected: int) -> None:
        frontier = self._frontier
        row = {"log": self._tables.log, "expected": expected, "size": frontier.size}
        moved = self._db.execute(SQL["move_head"], row | {"root": frontier.root(), "frontier": frontier.pack()})
        if moved.rowcount != 1:
            raise ConflictError(f"The log was no longer at size {expected} when this batch was to be committed.")
