"""SQLAlchemy-Continuum, and SQLAlchemy alone."""

from collections.abc import Sequence
from typing import Any

from tests.capture_torture.engines import qualified, quote
from tests.capture_torture.judge import Recorded
from tests.capture_torture.model import Statement
from tests.capture_torture.peers.snapshots import History, count, read, rules
from tests.capture_torture.peers.sqlalchemy_writer import SQLAlchemyWriter
from tests.capture_torture.place import NoModelError, Place


class SQLAlchemyAlone:
    """Whether SQLAlchemy can say a case at all. What it cannot is written in SQL."""

    versioned: dict[str, Any] = {}  # noqa: RUF012 - read only

    def __init__(self, *, raw: bool = False, single_key: bool = False) -> None:  # noqa: ARG002 - it knows both
        self._raw = raw

    def install(self, place: Place) -> None:
        self.place = place
        self.rules = rules(place.engine)
        try:
            self.watch()
        except Exception as error:
            raise NoModelError(f"{type(error).__name__}: {error}") from error

    def watch(self) -> None:
        self.writing = SQLAlchemyWriter(self.place, self.versioned)

    def settle(self) -> None: ...

    def run(self, statements: Sequence[Statement]) -> None:
        (self.writing.raw if self._raw else self.writing.run)(statements)

    def recorded(self) -> list[Recorded]:
        return []

    def close(self) -> None:
        if hasattr(self, "writing"):
            self.writing.engine.dispose()


class Continuum(SQLAlchemyAlone):
    versioned = {"__versioned__": {}}  # noqa: RUF012 - read only

    def watch(self) -> None:
        from sqlalchemy_continuum import make_versioned, version_class

        make_versioned(user_cls=None)
        super().watch()
        self.writing.base.metadata.create_all(self.writing.engine)
        meaning = {"0": "create", "1": "update", "2": "delete"}
        self.histories = [
            History(
                table=table,
                name=version_class(model).__table__.fullname,
                columns={name: name for name in self.place.tables[table].columns},
                order="transaction_id",
                operation="operation_type",
                meaning=meaning,
                deleted_is_told=False,
            )
            for table, model in self.writing.of.items()
        ]

    def settle(self) -> None:
        """As if the rows had been made through its session."""
        with self.place.connection() as db:
            for history in self.histories:
                generated = self.place.tables[history.table].generated
                names = ", ".join(quote(column) for column in history.columns if column not in generated)
                over = "OVERRIDING SYSTEM VALUE " if self.place.engine == "postgres" else ""
                db.execute(
                    f"INSERT INTO {qualified(history.name)} ({names}, transaction_id, operation_type) {over}"
                    f"SELECT {names}, 0, 0 FROM {qualified(history.table)}"
                )
        self._seen = count(self.place, self.histories)

    def recorded(self) -> list[Recorded]:
        return read(self.place, self.histories, self._seen)


PEERS: dict[str, type[SQLAlchemyAlone]] = {"SQLAlchemy-Continuum": Continuum}
