"""A log's file, there or not yet."""

from collections.abc import Mapping
from pathlib import Path

import apsw

from indelible.errors import LogError
from indelible.files import beside, sync
from indelible.merkle.tree import EMPTY_ROOT
from indelible.store.sqlite.opening import make
from indelible.store.sqlite.store import SQLiteStore, key_path


class SQLitePlace:
    """Keeps `place.Place`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        return self._path.exists()

    def key_path(self, _origin: str) -> Path:
        return key_path(self._path)

    def create(self, properties: Mapping[str, str]) -> None:
        """It is made beside its place and linked there: of two that try at once one is told, and none overwritten."""
        path = self._path
        try:
            with beside(path) as made:
                make(made, properties, EMPTY_ROOT)
                sync(made)
                path.hardlink_to(made)
            sync(path.parent)
        except FileExistsError as error:
            raise LogError(f"{path} exists already. Choose another name, or use it as it is.") from error
        except (OSError, apsw.Error) as error:
            raise LogError(f"The log {path} cannot be created: {error}. Check that its folder is writable.") from error

    def open(self) -> SQLiteStore:
        return SQLiteStore(self._path)
