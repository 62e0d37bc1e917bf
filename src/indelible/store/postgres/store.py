"""The log in a PostgreSQL database, through `psycopg`.

One appends at a time: the row of the head is locked first. A commit returns after the disk has it, whatever the role is
set to.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

from psycopg import errors

from indelible.background import ahead
from indelible.errors import LogError, VerificationError
from indelible.merkle.key import DASH
from indelible.merkle.tree import Frontier
from indelible.store.folding import Spelled, fitting, longest
from indelible.store.postgres.appending import Appending
from indelible.store.postgres.connection import SQL, Database, Rows
from indelible.store.postgres.finding import COLUMNS, Conditions
from indelible.store.postgres.intact import difference
from indelible.store.postgres.listening import Listener
from indelible.store.postgres.making import index_path, key_path, log_id
from indelible.store.postgres.reading import Readers, Tenants
from indelible.store.postgres.writing import Writer
from indelible.store.promise import MAX_SIZE, MIN_SIZE, PAGE, SORTED, Dimension, Head, Wanted, cut

ATTACHMENTS = 16  # read at once: they are large
SURPASSED = "checkpoints only grow"  # as the triggers `newer` and `newer_of_organization` say it


class PostgresStore:
    """Keeps `promise.Store`. Close it, or use it in a `with`."""

    def __init__(self, database: Database) -> None:
        """Raises NotFoundError if there is no such log, LogError if the database cannot be used."""
        self._database = database
        with database.connect() as db, database.errors():
            self._log = log_id(db, database)
            rows: Rows = db.execute(SQL["properties"], (self._log,)).fetchall()
        self._settled = 0  # entries that a commit has waited for
        self.properties: dict[str, str] = {name: value.decode() for name, value in rows}
        self._writer = Writer(database, self._log)
        self._readers, self._tenants = Readers(database), Tenants(database)
        self._listener = Listener(database, self._log)

    def __str__(self) -> str:
        return str(self._database)

    @property
    def key_path(self) -> Path:
        return key_path(self.properties["origin"])

    @property
    def index_path(self) -> Path:
        return index_path(self.properties["origin"])

    def close(self) -> None:
        """After an append that somebody else may be in. What is asked later is a LogError."""
        self._writer.close()
        self._readers.close()
        self._tenants.close()
        self._listener.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def appending(self) -> Iterator[Appending]:
        """The commit point: see the promise."""
        with self._writer.transaction() as (tables, dictionary):
            head = self._head(tables.db.execute(SQL["head_locked"], (self._log,)).fetchall())
            dictionary.refresh(head.size)
            appending = Appending(tables, dictionary, head)
            yield appending
            appending.write()
        dictionary.keep(appending.size)
        self._settled = max(self._settled, appending.size)  # the head's row was locked: so the commit has waited

    def unwritable(self) -> str | None:
        return f"{self} is read-only." if self._writer.read_only() else None

    def head(self) -> Head:
        return self._head(self._select("head", self._log))

    def settled(self) -> Head:
        """What another one committed and nobody waited for, as when it was stopped at that, is waited for here."""
        head = self.head()
        if head.size > self._settled:
            with self._writer.transaction() as (tables, _):
                tables.db.execute(SQL["wait_for_standby"])
                head = self._head(tables.db.execute(SQL["head"], (self._log,)).fetchall())  # of the server that waits
            self._settled = max(self._settled, head.size)
        return head

    def leaves(self, start: int, stop: int, batch: int = PAGE) -> Iterator[tuple[int, bytes, bytes]]:
        while rows := self._select("leaves", self._log, start, stop, batch):
            yield from rows
            start = rows[-1][0] + 1

    def line(self, seq: int) -> bytes | None:
        return next((line for (line,) in self._select("line", self._log, seq)), None)

    def add_checkpoint(self, size: int, note: str) -> None:
        self._keep("add_checkpoint", {"log": self._log, "size": size, "note": note.encode()})

    def tell(self, tell: Callable[[], None]) -> None:
        self._listener.tell(tell)

    def newest_checkpoint(self, upto: int | None = None) -> tuple[int, str] | None:
        rows = self._select("newest_checkpoint", self._log, MAX_SIZE if upto is None else upto)
        return next(((size, note.decode()) for size, note in rows), None)

    def checkpoints(self, upto: int = MAX_SIZE) -> Iterator[tuple[int, str]]:
        last = MIN_SIZE
        while rows := self._select("checkpoints", self._log, last, upto, PAGE):
            yield from ((size, note.decode("utf-8", "replace")) for size, note in rows)
            last = rows[-1][0]

    def add_organization_checkpoint(self, organization: str, log_size: int, note: str) -> None:
        row = {"log": self._log, "organization": organization.encode(), "log_size": log_size, "note": note.encode()}
        self._keep("add_organization_checkpoint", row)

    def _keep(self, name: str, note: dict[str, Any]) -> None:
        """Without a lock: what another process adds after the statement began only the trigger sees, and refuses."""
        try:
            with self._writer.transaction() as (tables, _):
                tables.db.execute(SQL[name], note)
        except LogError as error:
            if not isinstance(error.__cause__, errors.RaiseException) or SURPASSED not in str(error.__cause__):
                raise

    def newest_organization_checkpoint(self, organization: str) -> tuple[int, str] | None:
        rows = self._select("newest_organization_checkpoint", self._log, organization.encode())
        return next(((size, note.decode()) for size, note in rows), None)

    def organization_checkpoints(self) -> Iterator[tuple[str, int, str]]:
        last = MIN_SIZE, b""
        while rows := self._select("organization_checkpoints", self._log, *last, SORTED):
            yield from ((key.decode(), size, note.decode("utf-8", "replace")) for key, size, note in rows)
            last = rows[-1][1], rows[-1][0]

    def add_cosignature(self, size: int, line: str) -> None:
        with self._writer.transaction() as (tables, _):
            tables.db.execute(SQL["add_cosignature"], (self._log, size, line.encode()))

    def cosigned(self, size: int) -> str:
        return "".join(line.decode() for (line,) in self._select("cosignatures", self._log, size))

    def newest_cosigned(self, witness: str, upto: int | None = None) -> tuple[int, str] | None:
        begins, most = f"{DASH}{witness} ".encode(), MAX_SIZE if upto is None else upto
        rows = self._readers.query(SQL["newest_cosigned"], {"log": self._log, "begins": begins, "upto": most})
        return next(((size, note.decode()) for size, note in rows), None)

    def add_key_change(self, number: int, note: str) -> None:
        with self._writer.transaction() as (tables, _):
            tables.db.execute(SQL["add_key_change"], (self._log, number, note.encode()))

    def key_changes(self) -> list[str]:
        return [note.decode("utf-8", "replace") for (note,) in self._select("key_changes", self._log)]

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        name, values = ("nodes", (start, stop, level)) if level else ("leaf_hashes", (start, stop))
        return [hash_ for (hash_,) in self._select(name, self._log, *values)]

    def lines(self, wanted: Sequence[int], organization: str | None = None) -> list[bytes]:
        if organization is None and isinstance(wanted, range):
            return [line for (line,) in self._select("stretch", self._log, wanted.start, wanted.stop)]
        if organization is None:
            return [line for (line,) in self._select("lines", self._log, list(wanted))]
        return [line for (line,) in self._tenants.query(SQL["own_lines"], (list(wanted), self._log), organization)]

    def stretches(self, wanted: range) -> Iterator[tuple[range, list[bytes]]]:
        return ahead(lambda some: (some, self.lines(some)), cut(wanted))

    def knows(self, id_: UUID, below: int) -> bool:
        return bool(self._select("known_below", self._log, id_, below))

    def attached(self, hash_: bytes) -> bytes | None:
        return next((value for (value,) in self._select("attached", self._log, hash_)), None)

    def having(self, dimension: Dimension, text: str) -> list[int]:
        return [id_ for id_, _ in self._containing(dimension, text)]

    def fitting(self, dimension: Dimension, pattern: str) -> list[int]:
        """What has the pattern's longest part may fit. Not by LIKE: a pattern of stars would keep it for years."""
        return fitting(pattern, self._containing(dimension, longest(pattern)))

    def spelled(self, start: Mapping[Dimension, int], limit: int) -> dict[Dimension, list[Spelled]]:
        each = [
            f"(SELECT '{dimension}', id, folded FROM indelible_log.{dimension} WHERE log_id = %s AND id >= %s "
            "ORDER BY id LIMIT %s)"
            for dimension in start
        ]
        found: dict[Dimension, list[Spelled]] = {dimension: [] for dimension in start}
        values = [value for first in start.values() for value in (self._log, first, limit)]
        for dimension, id_, folded in self._readers.query(" UNION ALL ".join(each).encode(), values):
            found[dimension].append((id_, folded.decode("utf-8", "replace")))
        return found

    def _containing(self, dimension: Dimension, text: str) -> list[tuple[int, str]]:
        sql = (
            f"SELECT id, folded FROM indelible_log.{dimension} WHERE log_id = %s AND position(%s::bytea in folded) > 0"
        )
        return [(id_, folded.decode()) for id_, folded in self._readers.query(sql.encode(), (self._log, text.encode()))]

    def keyed(self, dimension: Literal["organization"], key: str) -> list[int]:  # noqa: ARG002 - there is one
        return [id_ for (id_,) in self._select("organizations", self._log, key.encode())]

    def entity(self, entity_type: str, key: str) -> list[int]:
        wanted = entity_type.casefold().encode()
        return [id_ for (id_,) in self._select("entities", self._log, self._log, wanted, wanted + b"\n", key.encode())]

    def columns(self, wanted: Sequence[int], dimensions: Sequence[Dimension]) -> list[tuple[int, ...]]:
        found = ", ".join(["at", *(f"coalesce({COLUMNS[dimension]}, 0)" for dimension in dimensions)])
        sql = f"SELECT {found} FROM indelible_log.entry WHERE log_id = %s AND seq = ANY (%s) ORDER BY seq"
        return self._readers.query(sql.encode(), (self._log, list(wanted)))

    def named(self, numbers: Mapping[Dimension, Collection[int]]) -> dict[Dimension, dict[int, str]]:
        each = [
            f"SELECT '{dimension}', id, key FROM indelible_log.{dimension} WHERE log_id = %s AND id = ANY (%s)"
            for dimension in numbers
        ]
        values = [value for ids in numbers.values() for value in (self._log, list(ids))]
        found: dict[Dimension, dict[int, str]] = {dimension: {} for dimension in numbers}
        for dimension, id_, key in self._readers.query(" UNION ALL ".join(each).encode(), values):
            found[dimension][id_] = key.decode()
        return found

    def find(self, wanted: Wanted, entries: range, limit: int, *, descending: bool) -> dict[int, int]:
        where, order = Conditions(self._log, wanted, entries), "DESC" if descending else "ASC"
        sql = f"SELECT e.seq, e.at FROM indelible_log.entry e WHERE {where.sql} ORDER BY e.seq {order} LIMIT %s"
        return dict(self._readers.query(sql.encode(), (*where.values, limit)))

    def bounds(self) -> tuple[int | None, int | None]:
        ((first, last),) = self._readers.query(SQL["bounds"], {"log": self._log})
        return first, last

    def index_rows(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        rows = self._select("index_rows", self._log, start, stop)
        return [(seq, id_.bytes, at, *map(_text, texts)) for seq, id_, at, *texts in rows]

    def attachments(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        last = b""
        while rows := self._select("attachments", self._log, last, ATTACHMENTS):
            yield from rows
            last = rows[-1][0]

    def moved(self) -> None:
        """A connection is to a server, which has its files."""

    def pulse(self) -> object:
        """What is inserted is not seen by it."""
        return self._select("pulse")

    def damage(self) -> str | None:
        """With the extension amcheck: an index lacks a row of its table."""
        for (schema,) in self._select("amcheck"):
            for (index,) in self._select("indexes"):
                try:
                    check = f"SELECT {schema}.bt_index_check(%s::oid::regclass, true)"
                    self._readers.query(check.encode(), (index,))
                except VerificationError as error:
                    return str(error)
        return None

    def altered(self) -> str | None:
        other = difference(self._readers.definitions(SQL["objects"]))
        more = f" (and {len(other) - 1} more)" if other[1:] else ""
        return f"{other[0]}{more} is not what the log was made with: changed, switched off or gone" if other else None

    def _select(self, name: str, *values: Any) -> Rows:
        return self._readers.query(SQL[name], values)

    def _head(self, rows: Rows) -> Head:
        try:
            ((size, root, packed),) = rows
            return Head(size, root, Frontier.unpack(size, packed))
        except ValueError as error:
            raise VerificationError(
                "changed", f"the head of {self} is damaged: {error}. Restore the newest copy."
            ) from error


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
