"""Our own connections to the application's database."""

from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import RowFactory

from indelible.errors import CaptureError

Row = TypeVar("Row")
SECONDS = 10
SETTINGS = f"SET lock_timeout = '{SECONDS}s'; SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC'"


def connect(url: str, rows: RowFactory[Row]) -> Connection[Row]:
    """In autocommit, and in UTC; named so that whoever looks at the server knows it. Raises CaptureError."""
    name = "indelible"
    try:
        db: Connection[Any] = Connection.connect(
            url, autocommit=True, row_factory=rows, connect_timeout=SECONDS, application_name=name
        )
        db.execute(SETTINGS)
    except psycopg.Error as error:
        raise CaptureError(f"PostgreSQL cannot be reached: {error}. Look at host, port, user and database.") from error
    return db
