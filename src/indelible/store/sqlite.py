"""The log in a file of its own, through `apsw`: its SQLite has the fix for the WAL-reset race (3.51.3).

One writer at a time (`BEGIN IMMEDIATE`), readers beside it (WAL). A commit returns after the disk has it
(`synchronous=FULL`), so what was acknowledged survives a power cut.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, NamedTuple, Self, cast
from uuid import UUID

import apsw

from indelible.errors import ConflictError, LogError, NotFoundError, VerificationError
from indelible.event import Event, micros, seal
from indelible.files import beside, sync
from indelible.merkle.tree import EMPTY_ROOT, Frontier, leaf_hash
from indelible.store.dictionary import SQL, Dictionary
from indelible.store.opening import connect, make


class Head(NamedTuple):
    """The tree as of the last commit."""

    size: int
    root: bytes
    frontier: Frontier


class Appending:
    """One transaction on the log: what is added becomes visible together, or not at all."""

    def __init__(self, db: apsw.Connection, dictionary: Dictionary, frontier: Frontier) -> None:
        self._db = db
        self._frontier = frontier
        self.names = dictionary

    @property
    def size(self) -> int:
        """Leaves in the tree, those added here included."""
        return self._frontier.size

    def knows(self, id_: UUID) -> bool:
        """Whether the record of this identity is in the log already."""
        return self._db.execute(SQL["known"], (id_.bytes,)).fetchone() is not None

    def add(self, event: Event) -> int:
        """Write the entry; gives its sequence number. Raises EventError before anything is written."""
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


class SQLiteStore:
    """Holds connections: close it, or use it in a `with`."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError if there is no such file, LogError if it is not a log."""
        if not path.is_file():
            raise NotFoundError(f"There is no log at {path}. Create it: indelible init sqlite:///{path}")
        self.path = path
        self._lock = threading.Lock()  # one writer in this process; BEGIN IMMEDIATE keeps other processes out
        self._closed = False
        self._idle: LifoQueue[apsw.Connection] = LifoQueue()
        self._writer = self._connect()
        self._names = Dictionary(self._writer)
        self.properties: dict[str, str] = dict(self._writer.execute(SQL["properties"]))

    @classmethod
    def create(cls, path: Path, properties: dict[str, str]) -> "SQLiteStore":
        """Make the file; all of it or nothing. Raises LogError if something is there already.

        It is made beside its place and linked there: of two that try at once one is told, and none is overwritten.
        """
        try:
            with beside(path) as made:
                make(made, properties, EMPTY_ROOT)
                sync(made)
                path.hardlink_to(made)
            sync(path.parent)
        except FileExistsError as error:
            raise LogError(f"{path} exists already. Choose another name, or use it as it is.") from error
        except (OSError, apsw.Error) as error:
            raise LogError(f"The log {path} cannot be created: {error}. Check that its folder is writable.") from error
        return cls(path)

    def close(self) -> None:
        """After an append that somebody else may be in. What is asked later is a LogError."""
        with self._lock:
            self._closed = True
            self._writer.close()
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
        """THE COMMIT POINT. Leaves, index rows, dictionaries, tree and head, in one transaction.

        A crash before COMMIT leaves the log as it was, and the records in their outbox. A crash after it
        leaves them sealed and still in the outbox; the next pass finds that the log knows them.
        Raises ConflictError if another sealer moved the head, LogError if the disk refuses.
        """
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._names.refresh()
                head = self._head(self._writer)
                frontier = head.frontier.copy()
                yield Appending(self._writer, self._names, frontier)
                if frontier.size > head.size:
                    self._move_head(head.size, frontier)
                self._writer.execute("COMMIT")
            except BaseException:
                self._names.forget()
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _move_head(self, expected: int, frontier: Frontier) -> None:
        row = {"size": frontier.size, "root": frontier.root(), "frontier": frontier.pack(), "expected": expected}
        self._writer.execute(SQL["move_head"], row)
        if self._writer.changes() != 1:
            raise ConflictError(f"The log was no longer at size {expected} when this batch was to be committed.")

    def head(self) -> Head:
        with self.reading() as db:
            return self._head(db)

    def leaves(self, start: int, stop: int, batch: int = 1000) -> Iterator[tuple[int, bytes, bytes]]:
        """(seq, hash, line) of start <= seq < stop, read in batches so that no snapshot is held for long."""
        while rows := self.select(SQL["leaves"], (start, stop, batch)):
            yield from rows
            start = rows[-1][0] + 1

    def line(self, seq: int) -> bytes | None:
        return next((row[0] for row in self.select(SQL["line"], (seq,))), None)

    def add_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed note; one that is not newer than the newest is passed over."""
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute(SQL["add_checkpoint"], {"size": size, "note": note})

    def newest_checkpoint(self) -> tuple[int, str] | None:
        return next(iter(self.select(SQL["newest_checkpoint"])), None)

    def select(self, sql: str, values: Any = ()) -> list[Any]:
        """Rows of one reading statement; the values are bound."""
        with self.reading() as db:
            return db.execute(sql, values).fetchall()

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection for reading, from those that are idle."""
        self._check_open()
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = self._connect()
            db.pragma("query_only", True)
        with _log_errors(self.path):
            yield db
        if not self._closed:
            self._idle.put(db)  # after an error, or the end, it is not put back: it closes as it is collected

    def _head(self, db: apsw.Connection) -> Head:
        try:
            ((size, root, packed),) = cast("list[tuple[int, bytes, bytes]]", db.execute(SQL["head"]).fetchall())
            return Head(size, root, Frontier.unpack(size, packed))
        except ValueError as error:
            raise VerificationError(
                "changed", f"the head of {self.path} is damaged: {error}. Restore the newest copy."
            ) from error

    def _connect(self) -> apsw.Connection:
        with _log_errors(self.path):
            return connect(self.path)

    def _check_open(self) -> None:
        if self._closed:
            raise LogError(f"The log {self.path} was closed here already. Open it again.")


@contextmanager
def _log_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.CorruptError as error:
        raise VerificationError("changed", f"the file {path} is damaged: {error}. Restore the newest copy.") from error
    except apsw.Error as error:
        raise LogError(f"The log {path} refused: {error}.") from error
