"""Indelible on PostgreSQL: to be filled in when its capture is there. Then `test_ours.py` and `table.py` name it."""

from collections.abc import Sequence
from typing import Any

from tests.capture_torture.engines import canonical
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Statement
from tests.capture_torture.place import Place

READY = False  # True: `measured.py` measures it, and the table has its column


class OursOnPostgres:
    """The same as `OursOnSqlite`; what differs is how it is installed and how values are spelled."""

    def __init__(self) -> None:
        self.rules = Rules(self._same, self._same_key)

    def install(self, place: Place) -> None:
        raise NotImplementedError

    def settle(self) -> None:
        raise NotImplementedError

    def run(self, statements: Sequence[Statement]) -> None:
        with self._place.writer() as db:
            self._place.run(db, statements)

    def recorded(self) -> list[Recorded]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    _place: Place

    @staticmethod
    def _same(expected: Any, _type: str, recorded: Any) -> bool:
        """`canonical` gives what the server calls the value in `engines.CANONICAL` settings, as text."""
        return bool(canonical(expected, "postgres") == recorded)

    @staticmethod
    def _same_key(key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        return bool("/".join(canonical(part, "postgres") for part in key) == recorded)
