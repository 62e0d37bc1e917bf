"""What a database of work promises, whichever it is."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from indelible.background import Hold

Row = tuple[Any, ...]


class Statements(Protocol):
    """The statements of one transaction, by their names in `sql/queries.sql`; the log's name is among the values."""

    def run(self, name: str, /, **values: Any) -> list[Row]: ...
    def many(self, name: str, rows: Iterable[dict[str, Any]], /) -> None:
        """The same for each row; of rows that are inserted a key is there once."""

    def last(self) -> None:
        """This transaction is not to be lost with a machine: its commit waits for a standby, where there is one."""


class Work(Protocol):
    """Its `str()` names it in messages. What is asked after `close` is a LogError."""

    def transaction(self) -> AbstractContextManager[Statements]:
        """Committed at its end, all of it or nothing, on this disk. One at a time in this process. Raises LogError."""

    def hold(self, what: str) -> Hold | None:
        """None while somebody else has it. Raises LogError."""

    def close(self) -> None: ...
