"""A database for one case: made plain, looked at plain, whatever library works on it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from tests.capture_torture import engines, on_postgres, on_sqlite
from tests.capture_torture.engines import Held, Tables
from tests.capture_torture.judge import Recorded, Rules, Verdict, judge
from tests.capture_torture.model import Case, Engine, Statement


class NoModelError(Exception):
    """The library's own framework cannot describe the case's tables or say its statements."""


@dataclass
class Place:
    """`url` is a file's path for SQLite, a connection URL for PostgreSQL."""

    engine: Engine
    url: str
    case: Case
    tables: Tables = field(default_factory=dict)

    @classmethod
    def make(cls, engine: Engine, url: str, case: Case) -> "Place":
        """What is in the database already, a library's own tables, is none of the case's."""
        place = cls(engine, url, case)
        with place.connection() as db:
            place._roles(db)
            theirs = place._described(db)
            _script(db, case.ddl(engine))
            place.tables = {name: table for name, table in place._described(db).items() if name not in theirs}
        return place

    def _described(self, db: Any) -> Tables:
        tables: Tables = self._on.describe(db)
        return tables

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with closing(self._on.connect(self.url)) as db:
            yield db

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """The connection of the statements under test, its settings made."""
        attached = {"attached": True} if self.case.attached else {}
        with closing(self._on.connect(self.url, **attached)) as db:
            for setting in self.case.settings:
                db.execute(setting)
            yield db

    def run(self, db: Any, statements: Sequence[Statement]) -> None:
        self._on.run(db, statements)

    def set_up(self) -> None:
        with self.connection() as db:
            for statement in self.case.setup:
                db.execute(statement)

    def held(self) -> Held:
        held: Held = self._on.held(self.url, self.tables)
        return held

    @property
    def _on(self) -> Any:
        """The module of its engine; the two offer the same."""
        return on_sqlite if self.engine == "sqlite" else on_postgres

    def _roles(self, db: Any) -> None:
        """Roles belong to the whole server: other cases may have made them."""
        for role in self.case.roles:
            try:
                db.execute(f"CREATE ROLE {role}")
            except psycopg.errors.DuplicateObject:
                continue


def _script(db: Any, ddl: str) -> None:
    if isinstance(db, sqlite3.Connection):
        db.executescript(ddl)
    else:
        db.execute(ddl)


class Adapter(Protocol):
    """A library at work in a place. It says nothing of what it records: that is measured."""

    rules: Rules

    def install(self, place: Place) -> None:
        """As its documentation says, for every table. Raises NoModelError if there is no way to."""

    def settle(self) -> None:
        """After the case's setup: whatever was recorded until now is no part of the case."""

    def run(self, statements: Sequence[Statement]) -> None:
        """Through the library's framework: SQL by its connection, an ORM's writes by its ORM."""

    def recorded(self) -> list[Recorded]:
        """Since `settle`."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Measured:
    verdict: Verdict
    why: str = ""


def measure(place: Place, make: Callable[[], Adapter]) -> Measured:
    """Run the place's case under a library. A library's failure is a verdict; a wrong case is an error."""
    with closing(make()) as adapter:
        try:
            adapter.install(place)
            place.set_up()
            adapter.settle()
        except NoModelError as error:
            return Measured(Verdict.NO_MODEL, str(error))
        except Exception as error:  # noqa: BLE001 - a write that the library refuses
            return Measured(Verdict.BROKE, f"before the case: {type(error).__name__}: {error}")
        before = place.held()
        try:
            adapter.run(place.case.run)
        except Exception as error:  # noqa: BLE001 - whatever the library raised, it reached the user
            return Measured(Verdict.BROKE, f"{type(error).__name__}: {error}")
        wanted = engines.replay(before, place.case.expected, place.tables, place.engine)
        if not engines.same_rows(place.held(), wanted):
            return Measured(Verdict.BROKE, "the tables hold something else than without the library")
        recorded = adapter.recorded()
        verdict = judge(place.case.expected, recorded, place.tables, adapter.rules)
        return Measured(verdict, "" if verdict is Verdict.EXACTLY else f"recorded: {recorded}")
