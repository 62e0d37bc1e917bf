"""The log in a PostgreSQL database, through `psycopg`.

One appends at a time: the row of the head is locked first. A commit returns after the disk has it, whatever the role is
set to. Connections that were lost are made anew; what only reads is then asked once more.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, Literal, Self
from uuid import UUID

import psycopg
from psycopg import Connection

from indelible.errors import LogError, VerificationError
from indelible.merkle.tree import Frontier
from indelible.store.folding import fits
from indelible.store.postgres.appending import Appending
from indelible.store.postgres.connection import SECONDS, SQL, Database, Rows
from indelible.store.postgres.dictionary import Dictionary
from indelible.store.postgres.finding import Conditions
from indelible.store.postgres.making import key_path, log_id
from indelible.store.promise import Dimension, Head, Wanted

ATTACHMENTS = 16  # read at once: they are large
BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '{SECONDS}s'"


class PostgresStore:
    """Keeps `promise.Store`. Close it, or use it in a `with`."""

    def __init__(self, database: Database) -> None:
        """Raises NotFoundError if there is no such log, LogError if the database cannot be used."""
        self._database = database
        self._lock = threading.Lock()  # one writer in this process; the row of the head keeps other processes out
        self._closed = False
        self._idle: LifoQueue[Connection[tuple[Any, ...]]] = LifoQueue()
        self._writer: tuple[Connection[tuple[Any, ...]], Dictionary] | None = None
        with database.connect() as db, database.errors():
            self._log = log_id(db, database)
            rows: Rows = db.execute(SQL["properties"], (self._log,)).fetchall()
        self.properties: dict[str, str] = {name: value.decode() for name, value in rows}

    def __str__(self) -> str:
        return str(self._database)

    @property
    def key_path(self) -> Path:
        return key_path(self.properties["origin"])

    def close(self) -> None:
        """After an append that somebody else may be in. What is asked later is a LogError."""
        with self._lock:
            self._closed = True
            if self._writer is not None:
                self._writer[0].close()
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def appending(self) -> Iterator[Appending]:
        """The commit point: see the promise."""
        with self._lock, self._database.errors():
            db, dictionary = self._begin()
            try:
                head = self._head(db.execute(SQL["head_locked"], (self._log,)).fetchall())
                dictionary.refresh(head.size)
                appending = Appending(db, self._log, dictionary, head)
                yield appending
                appending.write()
                self._commit(db)
                dictionary.keep(appending.size)
            except BaseException:
                dictionary.forget()
                if not db.closed:
                    db.rollback()
                raise

    def _begin(self) -> tuple[Connection[tuple[Any, ...]], Dictionary]:
        """A transaction on the writing connection, made anew if it was lost: nothing was said on it yet."""
        self._check_open()
        while True:
            if new := self._writer is None or self._writer[0].closed:
                self._writer = self._writing()
            db, dictionary = self._writer
            try:
                db.execute(BEGIN.encode())
            except psycopg.OperationalError:
                if new or not db.closed:
                    raise
            else:
                return db, dictionary

    def _writing(self) -> tuple[Connection[tuple[Any, ...]], Dictionary]:
        db = self._database.connect()
        db.execute(SQL["durable"])
        return db, Dictionary(db, self._log)

    def _commit(self, db: Connection[tuple[Any, ...]]) -> None:
        """A connection that is lost here leaves it open whether the entries are in the log."""
        try:
            db.execute("COMMIT")
        except psycopg.OperationalError as error:
            raise LogError(
                f"The connection to {self} was lost as entries were committed: they are in the log, or they are not. "
                "Look for them before they are appended again."
            ) from error

    def head(self) -> Head:
        return self._head(self._select("head", self._log))

    def leaves(self, start: int, stop: int, batch: int = 1000) -> Iterator[tuple[int, bytes, bytes]]:
        while rows := self._select("leaves", self._log, start, stop, batch):
            yield from rows
            start = rows[-1][0] + 1

    def line(self, seq: int) -> bytes | None:
        return next((line for (line,) in self._select("line", self._log, seq)), None)

    def add_checkpoint(self, size: int, note: str) -> None:
        with self._lock, self._database.errors():
            db, _ = self._begin()
            try:
                db.execute(SQL["add_checkpoint"], {"log": self._log, "size": size, "note": note.encode()})
                db.execute("COMMIT")
            except BaseException:
                if not db.closed:
                    db.rollback()
                raise

    def newest_checkpoint(self) -> tuple[int, str] | None:
        return next(((size, note.decode()) for size, note in self._select("newest_checkpoint", self._log)), None)

    def checkpoints(self) -> list[tuple[int, str]]:
        return [(size, note.decode("utf-8", "replace")) for size, note in self._select("checkpoints", self._log)]

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        name, values = ("nodes", (start, stop, level)) if level else ("leaf_hashes", (start, stop))
        return [hash_ for (hash_,) in self._select(name, self._log, *values)]

    def lines(self, wanted: Sequence[int]) -> list[bytes]:
        return [line for (line,) in self._select("lines", self._log, list(wanted))]

    def knows(self, id_: UUID, below: int) -> bool:
        return bool(self._select("known_below", self._log, id_, below))

    def attached(self, hash_: bytes) -> bytes | None:
        return next((value for (value,) in self._select("attached", self._log, hash_)), None)

    def having(self, dimension: Dimension, text: str) -> list[int]:
        return [id_ for id_, _ in self._containing(dimension, text)]

    def fitting(self, dimension: Dimension, pattern: str) -> list[int]:
        """What has the pattern's longest part may fit. Not by LIKE: a pattern of stars would keep it for years."""
        found = self._containing(dimension, max(pattern.split("*"), key=len))
        return [id_ for id_, folded in found if any(fits(pattern, spelling) for spelling in folded.split("\n"))]

    def _containing(self, dimension: Dimension, text: str) -> list[tuple[int, str]]:
        sql = (
            f"SELECT id, folded FROM indelible_log.{dimension} WHERE log_id = %s AND position(%s::bytea in folded) > 0"
        )
        return [(id_, folded.decode()) for id_, folded in self._query(sql.encode(), (self._log, text.encode()))]

    def keyed(self, dimension: Literal["organization"], key: str) -> list[int]:  # noqa: ARG002 - there is one
        return [id_ for (id_,) in self._select("organizations", self._log, key.encode())]

    def entity(self, entity_type: str, key: str) -> list[int]:
        rows, wanted = self._select("entity_types", self._log), entity_type.casefold()
        types = [id_ for id_, folded in rows if wanted == folded.decode().split("\n")[0]]
        return [id_ for (id_,) in self._select("entities", self._log, types, key.encode())]

    def find(self, wanted: Wanted, entries: range, limit: int, *, descending: bool) -> list[int]:
        where, order = Conditions(self._log, wanted, entries), "DESC" if descending else "ASC"
        sql = f"SELECT e.seq FROM indelible_log.entry e WHERE {where.sql} ORDER BY e.seq {order} LIMIT %s"
        return [seq for (seq,) in self._query(sql.encode(), (*where.values, limit))]

    def count(self, wanted: Wanted, entries: range, limit: int) -> int:
        where = Conditions(self._log, wanted, entries)
        sql = f"SELECT count(*) FROM (SELECT FROM indelible_log.entry e WHERE {where.sql} LIMIT %s) AS found"
        ((count,),) = self._query(sql.encode(), (*where.values, limit))
        return int(count)

    def bounds(self) -> tuple[int | None, int | None]:
        ((first, last),) = self._query(SQL["bounds"], {"log": self._log})
        return first, last

    def index_rows(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        rows = self._select("index_rows", self._log, start, stop)
        return [(seq, id_.bytes, at, *map(_text, texts)) for seq, id_, at, *texts in rows]

    def attachments(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        last = b""
        while rows := self._select("attachments", self._log, last, ATTACHMENTS):
            yield from rows
            last = rows[-1][0]

    def pulse(self) -> object:
        """What is inserted is not seen by it."""
        return self._select("pulse")

    def damage(self) -> str | None:
        """Where the extension amcheck is installed: each index has all rows of its table, in order."""
        for (schema,) in self._select("amcheck"):
            for (index,) in self._select("indexes"):
                try:
                    check = f"SELECT {schema}.bt_index_check(%s::oid::regclass, true)"
                    self._query(check.encode(), (index,))
                except VerificationError as error:
                    return str(error)
        return None

    def _select(self, name: str, *values: Any) -> Rows:
        return self._query(SQL[name], values)

    def _query(self, sql: bytes, values: Any) -> Rows:
        """Rows of one reading statement. A connection that was lost while it was idle costs another try."""
        with self._database.errors():
            while True:
                db, used = self._reader()
                try:
                    rows: Rows = db.execute(sql, values).fetchall()
                except psycopg.OperationalError:
                    if not (used and db.closed):
                        raise
                else:
                    self._let_go(db)
                    return rows

    def _reader(self) -> tuple[Connection[tuple[Any, ...]], bool]:
        self._check_open()
        try:
            return self._idle.get_nowait(), True
        except Empty:
            db = self._database.connect()
            db.execute("SET default_transaction_read_only = on")
            return db, False

    def _let_go(self, db: Connection[tuple[Any, ...]]) -> None:
        """After an error it is not put back: it closes as it is collected."""
        if self._closed:
            db.close()
        else:
            self._idle.put(db)

    def _head(self, rows: Rows) -> Head:
        try:
            ((size, root, packed),) = rows
            return Head(size, root, Frontier.unpack(size, packed))
        except ValueError as error:
            raise VerificationError(
                "changed", f"the head of {self} is damaged: {error}. Restore the newest copy."
            ) from error

    def _check_open(self) -> None:
        if self._closed:
            raise LogError(f"{self} was closed here already. Open it again.")


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
