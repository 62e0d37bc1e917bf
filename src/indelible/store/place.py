"""Where a log is or will be: from its URL to its store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from indelible.errors import UsageError
from indelible.store.promise import Store
from indelible.store.sqlite.place import SQLitePlace
from indelible.urls import is_postgres, sqlite_path


class Place(Protocol):
    """Its `str()` names it in messages, without what may be a password."""

    def exists(self) -> bool:
        """Whether a log is there. Raises LogError if the database cannot be asked."""

    def key_path(self, origin: str) -> Path:
        """Where the key of a log with this name is to be made. Raises LogError if that cannot be."""

    def create(self, properties: Mapping[str, str]) -> None:
        """Make an empty log, all of it or nothing. Raises LogError if there is one."""

    def open(self) -> Store:
        """Raises NotFoundError if there is none, LogError if it is none or cannot be used."""


def place_of(url: str) -> Place:
    """Raises UsageError for a URL that names no database."""
    if not is_postgres(url):
        return SQLitePlace(sqlite_path(url))
    try:
        from indelible.store.postgres.place import PostgresPlace
    except ImportError as error:
        raise UsageError("PostgreSQL needs one more package: pip install 'indelible[postgres]'") from error
    return PostgresPlace(url)
