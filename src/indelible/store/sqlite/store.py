"""The log in a file of its own, through `apsw`: its SQLite has the fix for the WAL-reset race (3.51.3).

One writer at a time (`BEGIN IMMEDIATE`), readers beside it (WAL). A commit returns after the disk has it
(`synchronous=FULL`), so what was acknowledged survives a power cut.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, Literal, Self, cast
from uuid import UUID

import apsw
import msgspec

from indelible.errors import ConflictError, LogError, NotFoundError, VerificationError
from indelible.files import remedy
from indelible.merkle.key import DASH
from indelible.merkle.tree import Frontier
from indelible.store.dictionary import Dictionary
from indelible.store.folding import Spelled, fitting, longest
from indelible.store.promise import MAX_SIZE, MIN_SIZE, PAGE, SORTED, Dimension, Head, Wanted, cut
from indelible.store.sqlite.appending import Appending
from indelible.store.sqlite.finding import COLUMNS, Conditions
from indelible.store.sqlite.opening import connect, objects
from indelible.store.sqlite.sql import SQL
from indelible.store.sqlite.tables import Tables

NAMES = {"actor": "copy", "entity": "key", "organization": "key"}  # the column that others call `name`


class SQLiteStore:
    """Keeps `promise.Store`. Close it, or use it in a `with`."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError if there is no such file, LogError if it is not a log."""
        if not path.is_file():
            raise NotFoundError(f"There is no log at {path}. Create it: indelible init sqlite:///{path}")
        self.path = path
        self._lock = threading.Lock()  # one writer in this process; BEGIN IMMEDIATE keeps other processes out
        self._closed = False
        self._watching = threading.Lock()
        self._watcher: apsw.Connection | None = None
        self._idle: LifoQueue[apsw.Connection] = LifoQueue()
        self._writer = self._connect()
        self._read_only = self._writer.readonly("main")  # asked now: later somebody may be writing with it
        self._stands_at = path.absolute()  # wherever the process goes
        self._file = _file(self._stands_at)
        self._dictionary = Dictionary(Tables(self._writer))
        with _log_errors(path):
            self.properties: dict[str, str] = dict(self._writer.execute(SQL["properties"]))

    def __str__(self) -> str:
        return str(self.path)

    @property
    def key_path(self) -> Path:
        return key_path(self.path)

    @property
    def index_path(self) -> Path:
        return self.path.with_name(self.path.name + ".index")

    def close(self) -> None:
        """After an append that somebody else may be in. What is asked later is a LogError."""
        with self._lock:
            self._closed = True
            _close(self._writer)
        with self._watching:
            if self._watcher is not None:
                _close(self._watcher)
        while True:
            try:
                _close(self._idle.get_nowait())
            except Empty:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def appending(self) -> Iterator[Appending]:
        """The commit point: see the promise."""
        with self._lock, _log_errors(self.path):
            self._check_open()
            if said := self.moved():
                raise VerificationError("rolled back", said)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                head = self._head(self._writer)
                self._dictionary.refresh(head.size)
                frontier = head.frontier.copy()
                appending = Appending(self._writer, self._dictionary, frontier)
                yield appending
                appending.write()
                if frontier.size > head.size:
                    self._move_head(head.size, frontier)
                self._writer.execute("COMMIT")
                self._dictionary.keep(frontier.size)
            except BaseException:
                self._dictionary.forget()
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _move_head(self, expected: int, frontier: Frontier) -> None:
        row = {"size": frontier.size, "root": frontier.root(), "frontier": frontier.pack(), "expected": expected}
        self._writer.execute(SQL["move_head"], row)
        if self._writer.changes() != 1:
            raise ConflictError(f"The log was no longer at size {expected} when this batch was to be committed.")

    def unwritable(self) -> str | None:
        """Opened where it could not be written, or the disk was made read-only since, as after an error of its own."""
        self._check_open()
        try:
            disk = os.statvfs(self._stands_at.parent).f_flag
        except OSError as error:
            return f"{self} cannot be looked at: {error.strerror}."
        return f"{self} is read-only." if self._read_only or disk & os.ST_RDONLY else None

    def head(self) -> Head:
        with self.reading() as db:
            return self._head(db)

    def settled(self) -> Head:
        return self.head()

    def leaves(self, start: int, stop: int, batch: int = PAGE) -> Iterator[tuple[int, bytes, bytes]]:
        while rows := self.select(SQL["leaves"], (start, stop, batch)):
            yield from rows
            start = rows[-1][0] + 1

    def line(self, seq: int) -> bytes | None:
        return next((row[0] for row in self.select(SQL["line"], (seq,))), None)

    def add_checkpoint(self, size: int, note: str) -> None:
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute(SQL["add_checkpoint"], {"size": size, "note": note})

    def tell(self, tell: Callable[[], None]) -> None:
        """A file tells nobody."""

    def newest_checkpoint(self, upto: int | None = None) -> tuple[int, str] | None:
        return next(iter(self.select(SQL["newest_checkpoint"], (MAX_SIZE if upto is None else upto,))), None)

    def checkpoints(self, upto: int = MAX_SIZE) -> Iterator[tuple[int, str]]:
        last = MIN_SIZE
        while rows := self.select(SQL["checkpoints"], (last, upto, PAGE)):
            yield from rows
            last = rows[-1][0]

    def add_organization_checkpoint(self, organization: str, log_size: int, note: str) -> None:
        row = {"organization": organization, "log_size": log_size, "note": note}
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute(SQL["add_organization_checkpoint"], row)

    def newest_organization_checkpoint(self, organization: str) -> tuple[int, str] | None:
        return next(iter(self.select(SQL["newest_organization_checkpoint"], (organization,))), None)

    def organization_checkpoints(self) -> Iterator[tuple[str, int, str]]:
        last = MIN_SIZE, ""
        while rows := self.select(SQL["organization_checkpoints"], (*last, SORTED)):
            yield from rows
            last = rows[-1][1], rows[-1][0]

    def add_cosignature(self, size: int, line: str) -> None:
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute(SQL["add_cosignature"], (size, line))

    def cosigned(self, size: int) -> str:
        return "".join(line for (line,) in self.select(SQL["cosignatures"], (size,)))

    def newest_cosigned(self, witness: str, upto: int | None = None) -> tuple[int, str] | None:
        values = {"begins": f"{DASH}{witness} ", "upto": MAX_SIZE if upto is None else upto}
        return next(iter(self.select(SQL["newest_cosigned"], values)), None)

    def add_key_change(self, number: int, note: str) -> None:
        with self._lock, _log_errors(self.path):
            self._check_open()
            self._writer.execute(SQL["add_key_change"], (number, note))

    def key_changes(self) -> list[str]:
        return [note for (note,) in self.select(SQL["key_changes"])]

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        found = (
            self.select(SQL["nodes"], (start, stop, level)) if level else self.select(SQL["leaf_hashes"], (start, stop))
        )
        return [hash_ for (hash_,) in found]

    def lines(self, wanted: Sequence[int], organization: str | None = None) -> list[bytes]:
        if organization is not None:
            found = self.select(SQL["own_lines"], (_json(wanted), organization))
        elif isinstance(wanted, range):
            found = self.select(SQL["stretch"], (wanted.start, wanted.stop))
        else:
            found = self.select(SQL["lines"], (_json(wanted),))
        return [line for (line,) in found]

    def stretches(self, wanted: range) -> Iterator[tuple[range, list[bytes]]]:
        return ((some, self.lines(some)) for some in cut(wanted))

    def knows(self, id_: UUID, below: int) -> bool:
        return bool(self.select(SQL["known_below"], (id_.bytes, below)))

    def attached(self, hash_: bytes) -> bytes | None:
        return next((value for (value,) in self.select(SQL["attached"], (hash_,))), None)

    def having(self, dimension: Dimension, text: str) -> list[int]:
        return self._ids(f"SELECT id FROM {dimension} WHERE instr(folded, ?)", text)

    def fitting(self, dimension: Dimension, pattern: str) -> list[int]:
        """What has the pattern's longest part may fit. Not by GLOB: a pattern of stars would keep it for years."""
        sql = f"SELECT id, folded FROM {dimension} WHERE instr(folded, ?)"
        return fitting(pattern, self.select(sql, (longest(pattern),)))

    def spelled(self, start: Mapping[Dimension, int], limit: int) -> dict[Dimension, list[Spelled]]:
        each = [
            f"SELECT * FROM (SELECT '{dimension}', id, CAST(folded AS BLOB) FROM {dimension} "
            "WHERE id >= ? ORDER BY id LIMIT ?)"
            for dimension in start
        ]
        found: dict[Dimension, list[Spelled]] = {dimension: [] for dimension in start}
        values = [value for first in start.values() for value in (first, limit)]
        for dimension, id_, folded in self.select(" UNION ALL ".join(each), values):
            found[dimension].append((id_, folded.decode("utf-8", "replace")))  # a damaged one hides no other
        return found

    def keyed(self, dimension: Literal["organization"], key: str) -> list[int]:
        return self._ids(f"SELECT id FROM {dimension} WHERE key = ?", key)

    def entity(self, entity_type: str, key: str) -> list[int]:
        return self._ids(SQL["entities"], key, entity_type)

    def columns(self, wanted: Sequence[int], dimensions: Sequence[Dimension]) -> list[tuple[int, ...]]:
        found = ", ".join(["at", *(f"ifnull({COLUMNS[dimension]}, 0)" for dimension in dimensions)])
        sql = f"SELECT {found} FROM entry WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
        return self.select(sql, (_json(wanted),))

    def named(self, numbers: Mapping[Dimension, Collection[int]]) -> dict[Dimension, dict[int, str]]:
        each = [
            f"SELECT '{dimension}', id, {NAMES.get(dimension, 'name')} FROM {dimension} "
            "WHERE id IN (SELECT value FROM json_each(?))"
            for dimension in numbers
        ]
        found: dict[Dimension, dict[int, str]] = {dimension: {} for dimension in numbers}
        for dimension, id_, name in self.select(" UNION ALL ".join(each), tuple(map(_json, numbers.values()))):
            found[dimension][id_] = name
        return found

    def find(self, wanted: Wanted, entries: range, limit: int, *, descending: bool) -> dict[int, int]:
        where, order = Conditions(wanted, entries), "DESC" if descending else "ASC"
        sql = f"SELECT e.seq, e.at FROM entry e WHERE {where.sql} ORDER BY e.seq {order} LIMIT ?"
        return dict(self.select(sql, (*where.values, limit)))

    def bounds(self) -> tuple[int | None, int | None]:
        ((first, last),) = self.select(SQL["bounds"])
        return first, last

    def index_rows(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        return self.select(SQL["index_rows"], (start, stop))

    def attachments(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        with self.reading() as db:
            yield from db.execute(SQL["attachments"])

    def moved(self) -> str | None:
        if _file(self._stands_at) == self._file:
            return None
        return (
            f"{self.path} is not the file that was opened: it was removed, moved or replaced while it was in use. "
            "Nothing is added. Restore the newest copy, and start again."
        )

    def pulse(self) -> object:
        """Through SQLite; who writes into the file past it is not seen. Always asked on one connection."""
        with self._watching, _log_errors(self.path):
            self._check_open()
            self._watcher = self._watcher or self._connect()
            return self._watcher.pragma("data_version"), _file(self._stands_at)

    def damage(self) -> str | None:
        """A row that an index lacks would hide it from a search."""
        ((said,),) = self.select("PRAGMA integrity_check(1)")
        return None if said == "ok" else str(said)

    def altered(self) -> str | None:
        there = {(str(name), sql) for name, sql in self.select(SQL["objects"])}
        other = sorted({name for name, _ in there ^ objects()})
        more = f" (and {len(other) - 1} more)" if other[1:] else ""
        return f"{other[0]}{more} of {self.path} is not what the log was made with" if other else None

    def select(self, sql: str, values: Any = ()) -> list[Any]:
        """Rows of one reading statement; the values are bound."""
        with self.reading() as db:
            return db.execute(sql, values).fetchall()

    def _ids(self, sql: str, *values: Any) -> list[int]:
        return [id_ for (id_,) in self.select(sql, values)]

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


def _file(path: Path) -> tuple[int, int] | None:
    """Which one it is; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _json(numbers: Collection[int]) -> str:
    return msgspec.json.encode(list(numbers)).decode()


def key_path(path: Path) -> Path:
    """Beside the log, under its whole name: no two logs of one folder share a key."""
    return path.with_name(path.name + ".key")


def _close(db: apsw.Connection) -> None:
    """The last one to close moves the write-ahead log into the file; where the disk fails, the next one does."""
    with suppress(apsw.Error):
        db.close()


@contextmanager
def _log_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.CorruptError, UnicodeDecodeError) as error:
        raise VerificationError("changed", f"the file {path} is damaged: {error}. Restore the newest copy.") from error
    except apsw.Error as error:
        told = remedy(getattr(error, "result", 0))
        raise LogError(f"The log {path} refused: {error}. {told}".rstrip()) from error
