"""The engine and its two kinds of session: one that reads, one that may write.

On SQLite a transaction that starts by reading and then writes may fail at once with SQLITE_BUSY, whatever the
busy timeout is. So a writing session takes the write lock when it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from portal.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql.compiler import SQLCompiler

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")
_WRITES = "portal_writes"


class Database:
    """The engine, and sessions on it."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

    def reading(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def writing(self) -> Session:
        """A session whose transaction has already begun and holds the write lock."""
        db = self.reading()
        db.connection(execution_options={_WRITES: True})
        return db

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    hint = "Give DATABASE_URL as sqlite:///path/to/file.db, or leave it unset to keep the data in the data directory."
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise SettingsError(f"DATABASE_URL names a database in memory, which would be lost. {hint}")
        engine = create_engine(parsed, pool_size=20, max_overflow=30)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise SettingsError(f"DATABASE_URL cannot be used: {error}. {hint}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself; _begin does
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("portal_fold", 1, _fold, deterministic=True)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _fold(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


class _Folded(GenericFunction[str]):
    """Text without its case: SQLite's own lower() knows only ASCII."""

    name = "portal_fold"
    inherit_cache = True


@compiles(_Folded)
def _lower(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(_Folded, "sqlite")
def _portal_fold(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"portal_fold({compiler.process(element.clauses, **options)})"


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the column holds the text, in whatever case. % and _ in it mean themselves."""
    return _Folded(column).contains(text.casefold(), autoescape=True)
