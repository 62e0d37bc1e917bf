"""A PostgreSQL database that is watched."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from indelible.actions import ActionMap
from indelible.capture.coverage import Coverage
from indelible.capture.postgres.baseline import record_baselines
from indelible.capture.postgres.connection import connect
from indelible.capture.postgres.coverage import coverage
from indelible.capture.postgres.outbox import PostgresOutbox
from indelible.capture.postgres.snapshot import PostgresSnapshot
from indelible.capture.postgres.watch import install, remove
from indelible.errors import CaptureError


class PostgresSource:
    """Keeps `capture.source.Source`."""

    def __init__(self, url: str) -> None:
        """Raises CaptureError if the server cannot be reached."""
        self._url = url
        self._db: Connection[DictRow] = connect(url, dict_row)

    def watch(
        self, tables: Iterable[str] | None, action_map: ActionMap, *, strict: bool = False, baseline: bool = True
    ) -> list[str]:
        with self._errors():
            watched = install(self._db, tables, action_map, strict=strict, baseline=baseline)
            record_baselines(self._db)
        return watched

    def unwatch(self, table: str) -> None:
        with self._errors():
            remove(self._db, table)

    def coverage(self) -> list[Coverage]:
        with self._errors():
            return coverage(self._db)

    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self._url)

    def snapshot(self) -> PostgresSnapshot:
        with self._errors():
            return PostgresSnapshot(self._url, self._db)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise CaptureError(
                f"The database cannot be watched: {error.diag.message_primary}. Watch as the role that owns the tables "
                "and may create a schema in the database. Nothing was changed in it."
            ) from error
        except psycopg.Error as error:
            raise CaptureError(
                f"The database cannot be watched: {error}. Nothing was changed in it; try again."
            ) from error
