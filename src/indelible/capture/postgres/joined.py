"""Watching and ending it, on any connection; also inside a transaction that a migration has open."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from indelible.actions import ActionMap
from indelible.capture.postgres.baseline import record_baselines
from indelible.capture.postgres.registry import Database
from indelible.capture.postgres.watch import install, remove
from indelible.errors import CaptureError


class JoinedPostgres:
    """Keeps `capture.source.Joined`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def watch(
        self,
        tables: Iterable[str] | None,
        action_map: ActionMap | None,
        *,
        strict: bool | None = False,
        baseline: bool = True,
    ) -> list[str]:
        with watching():
            watched = install(self._db, tables, action_map, strict=strict, baseline=baseline)
        try:
            record_baselines(self._db)
        except psycopg.Error as error:
            raise CaptureError(
                f"What the tables hold is not all recorded: {error}. They are watched; watch again to go on."
            ) from error
        return watched

    def unwatch(self, table: str) -> None:
        with watching():
            remove(self._db, table)


@contextmanager
def watching() -> Iterator[None]:
    """Every refusal of the server as one sentence with its remedy."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise CaptureError(
            f"The database cannot be watched: {error.diag.message_primary}. Watch as the role that owns the tables "
            "and may create a schema in the database. Nothing was changed in it."
        ) from error
    except psycopg.Error as error:
        raise CaptureError(f"The database cannot be watched: {error}. Nothing was changed in it; try again.") from error


@contextmanager
def joined(connection: "Connection[Any]") -> Iterator[JoinedPostgres]:
    """The connection as `install` wants it; its rows and its search_path are as before afterwards."""
    rows = connection.row_factory
    connection.row_factory = dict_row
    (path,) = (row["path"] for row in connection.execute("SELECT current_setting('search_path') AS path"))
    connection.execute("SELECT set_config('search_path', 'pg_catalog, pg_temp', true)")
    try:
        yield JoinedPostgres(connection)
    finally:
        if connection.info.transaction_status == TransactionStatus.INTRANS:  # else it goes with the rollback
            connection.execute("SELECT set_config('search_path', %s, true)", (path,))
        connection.row_factory = rows
