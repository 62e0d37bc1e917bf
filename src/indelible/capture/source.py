"""A database that is watched, whichever it is. Each dialect keeps this promise with code of its own."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from indelible.actions import ActionMap
from indelible.capture.coverage import Coverage
from indelible.capture.definition import Definition
from indelible.capture.record import Record
from indelible.errors import UsageError
from indelible.urls import is_postgres, shown, sqlite_path


class Batch(NamedTuple):
    """Captured records in their order, and the outbox rows they came from, as the outbox knows them."""

    records: list[Record]
    rows: list[object]


class Outbox(Protocol):
    """The queue beside the tables. One user at a time; every method raises CaptureError if it cannot be used."""

    source: str  # what the database is known by, and the identity of each of its records with it

    def changed(self) -> bool:
        """Whether something may have been committed since the last call: cheap to ask often."""

    def pending(self) -> tuple[int, datetime | None]:
        """How many records wait, and since when the oldest does."""

    def batches(self) -> Iterator[Batch]:
        """All that was committed before the call, oldest first, in batches of bounded size."""

    def drop(self, batch: Batch) -> bool:
        """Delete what the log has committed and signed. Gives False where that has to wait for the next pass.

        A crash before this: the records are read again and recognised by their identity.
        """

    def close(self) -> None: ...


class Snapshot(Protocol):
    """A database as it was at one moment, for as long as this is open."""

    def watched(self) -> list[Definition]:
        """How each table is watched now."""

    def ever_watched(self) -> list[Definition]:
        """Every way in which one was, oldest first."""

    def waiting(self) -> Iterator[Record]:
        """The captured records that are not in the log, or not yet dropped."""

    def rows(self, definition: Definition) -> Iterator[dict[str, Any]]:
        """Each row of a table, its values spelled and masked as in an entry."""

    def close(self) -> None: ...


class Joined(Protocol):
    """What can be done inside a transaction of the application's own. It commits or rolls back with that."""

    def watch(
        self,
        tables: Iterable[str] | None,
        action_map: ActionMap | None,
        *,
        strict: bool | None = False,
        baseline: bool = True,
    ) -> list[str]:
        """Install capture on `tables` (None: all that the map does not exclude); repeatable. Gives their names.

        `strict`: a change that nobody claims is refused. Without a map, or `strict`, what was said before holds; what
        was redacted stays so until the map keeps it. `baseline`: the rows that are there are recorded too.
        """

    def unwatch(self, table: str) -> None:
        """Remove capture from a table; itself an event. Raises CaptureError if it is not watched."""


class Source(Joined, Protocol):
    """A watched database. Raises CaptureError or MapError before anything is written, or nothing is written."""

    def watched(self) -> dict[str, Definition]:
        """How each table is watched now, or why it is not, by its name."""

    def coverage(self) -> list[Coverage]:
        """Each table, and whether it is still watched as it was left."""

    def outbox(self) -> Outbox: ...

    def snapshot(self) -> Snapshot: ...

    def close(self) -> None: ...


def open_source(url: str) -> Source:
    """Raises UsageError for a URL that names no database, NotFoundError or CaptureError for one that cannot be used."""
    if is_postgres(url):
        try:
            from indelible.capture.postgres.source import PostgresSource
        except ImportError as error:
            raise UsageError("PostgreSQL needs one more package: pip install 'indelible[postgres]'") from error
        return PostgresSource(url)
    if not url.startswith("sqlite:"):
        raise UsageError(f"{shown(url)} cannot be used. Give sqlite:///path/file.db or postgresql://user@host/name.")
    from indelible.capture.sqlite.source import SQLiteSource

    return SQLiteSource(sqlite_path(url))
