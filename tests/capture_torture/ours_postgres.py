"""Indelible on PostgreSQL: to be filled in when its capture is there.

With READY = True, `test_ours.py`, the oracle, `benchmarks/oracle.py` and the table's command take it up by themselves.
What they need is what `OursOnSqlite` has; only how it is installed and read, and how values are spelled, differs.
"""

from collections.abc import Sequence
from typing import Any

from tests.capture_torture.engines import canonical
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Statement
from tests.capture_torture.place import Place

READY = False


class OursOnPostgres:
    def __init__(self) -> None:
        self.rules = Rules(self._same, self._same_key)

    def install(self, place: Place) -> None:
        """Watch every table of `place.tables` in `place.url`; a table outside `public` is named `schema.table`."""
        self._place = place
        raise NotImplementedError

    def more(self) -> list[Recorded]:
        """Seal, and give the entries since the last time; `table` is the root's name for a partition."""
        raise NotImplementedError

    def key_of(self, row: dict[str, Any], key: tuple[str, ...]) -> str | None:
        """As an entry names a row; None for a table without a primary key."""
        raise NotImplementedError

    def settle(self) -> None:
        self.more()

    def run(self, statements: Sequence[Statement]) -> None:
        with self._place.writer() as db:
            self._place.run(db, statements)

    def recorded(self) -> list[Recorded]:
        return self.more()

    def close(self) -> None:
        """Leave nothing open: the database is dropped next."""

    @staticmethod
    def _same(expected: Any, _type: str, recorded: Any) -> bool:
        """`canonical` gives the value as text, as the server spells it in the settings of `engines.CANONICAL`."""
        return bool(canonical(expected, "postgres") == recorded)

    @staticmethod
    def _same_key(key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        return bool("/".join(canonical(part, "postgres") for part in key) == recorded)
