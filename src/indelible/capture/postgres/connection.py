"""Our own connections to the application's database."""

from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.rows import RowFactory

from indelible.errors import CaptureError
from indelible.values import read_text

Row = TypeVar("Row")
SECONDS = 10
SETTINGS = f"SET lock_timeout = '{SECONDS}s'; SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC'"


def connect(url: str, rows: RowFactory[Row]) -> Connection[Row]:
    """In autocommit, and in UTC; named so that whoever looks at the server knows it. Raises CaptureError."""
    name = "indelible"
    try:
        db: Connection[Any] = Connection.connect(
            url,
            autocommit=True,
            row_factory=rows,
            connect_timeout=SECONDS,
            application_name=name,
            client_encoding="UTF8",
        )
        db.execute(SETTINGS)
    except psycopg.Error as error:
        raise CaptureError(f"PostgreSQL cannot be reached: {error}. Look at host, port, user and database.") from error
    return db


class _AnyText(Loader):
    def load(self, data: Any) -> Any:
        return read_text(bytes(data))


def reading(url: str, rows: RowFactory[Row]) -> Connection[Row]:
    """The same, for values: a database whose encoding is SQL_ASCII holds any bytes."""
    db = connect(url, rows)
    if db.info.parameter_status("server_encoding") == "SQL_ASCII":
        db.execute("SET client_encoding = 'SQL_ASCII'")
        db.adapters.register_loader("text", _AnyText)
    return db
