"""A log of a database, there or not yet."""

from collections.abc import Mapping
from pathlib import Path

from indelible.errors import LogError
from indelible.store.postgres import making
from indelible.store.postgres.connection import Database
from indelible.store.postgres.store import PostgresStore


class PostgresPlace:
    """Keeps `place.Place`."""

    def __init__(self, url: str) -> None:
        """Raises UsageError."""
        self._database = Database(url)

    def __str__(self) -> str:
        return str(self._database)

    def exists(self) -> bool:
        return making.exists(self._database)

    def key_path(self, origin: str) -> Path:
        path = making.key_path(origin)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LogError(
                f"The folder of keys {path.parent} cannot be made: {error.strerror}. Set INDELIBLE_KEYS."
            ) from error
        return path

    def create(self, properties: Mapping[str, str]) -> None:
        making.make(self._database, properties)

    def open(self) -> PostgresStore:
        return PostgresStore(self._database)
