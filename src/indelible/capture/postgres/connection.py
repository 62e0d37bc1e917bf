"""Our own connections to the application's database."""

from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.rows import RowFactory

from indelible.errors import CaptureError
from indelible.values import BrokenText

Row = TypeVar("Row")
SECONDS = 10
UNKNOWN = ("EUC_TW", "MULE_INTERNAL")  # encodings that Python has not: there the server converts
SETTINGS = f"""SET lock_timeout = '{SECONDS}s'; SET search_path = pg_catalog, pg_temp;
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'"""  # psycopg reads moments in that style alone


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


def reading(url: str, rows: RowFactory[Row]) -> Connection[Row]:
    """The same, for values, in the encoding of the database: the server fails at a letter that UTF-8 has not."""
    db = connect(url, rows)
    encoding = db.info.parameter_status("server_encoding") or "UTF8"
    if encoding != "UTF8" and encoding not in UNKNOWN:
        db.execute(f"SET client_encoding = '{encoding}'")
        db.adapters.register_loader("text", _loader(_codec(db)))
    return db


def encoded(db: Connection[Any], query: str) -> bytes:
    """For a connection that is `reading`: names may have letters that Python's ASCII has not."""
    return query.encode(_codec(db))


def _codec(db: Connection[Any]) -> str:
    """A database in SQL_ASCII holds any bytes; mostly those of UTF-8."""
    codec = db.info.encoding
    return "utf-8" if codec == "ascii" else codec


def _loader(codec: str) -> type[Loader]:
    class AnyText(Loader):
        def load(self, data: Any) -> Any:
            try:
                return bytes(data).decode(codec)
            except UnicodeDecodeError:
                return BrokenText(data)

    return AnyText
