"""A case is data: a schema, statements, and the changes that happened. Nothing here knows a library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Engine = Literal["sqlite", "postgres"]
Operation = Literal["create", "update", "delete"]
Row = Mapping[str, Any]
BOTH: tuple[Engine, ...] = ("sqlite", "postgres")
SQLITE: tuple[Engine, ...] = ("sqlite",)
POSTGRES: tuple[Engine, ...] = ("postgres",)


class Text(str):
    """A value that Python has no exact type for, as PostgreSQL spells it in the settings of `engines.CANONICAL`."""

    __slots__ = ()


@dataclass(frozen=True)
class Change:
    """What happened to one row: all of it when created or deleted, what differs when updated."""

    operation: Operation
    table: str
    at: Row  # of an update: the row's key afterwards
    old: Row
    new: Row


def created(table: str, /, **row: Any) -> Change:
    return Change("create", table, {}, {}, row)


def deleted(table: str, /, **row: Any) -> Change:
    return Change("delete", table, {}, row, {})


def updated(table: str, at: Row, /, **columns: tuple[Any, Any]) -> Change:
    """Each column with its old and its new value."""
    old = {name: values[0] for name, values in columns.items()}
    return Change("update", table, at, old, {name: values[1] for name, values in columns.items()})


# How a statement reaches the database. A plain string is SQL, and a transaction of its own unless it says BEGIN.


@dataclass(frozen=True)
class Fails:
    """SQL that the database itself refuses."""

    sql: str


@dataclass(frozen=True)
class Many:
    """One statement with many rows of values, as a driver's executemany has it."""

    sql: str
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Pipeline:
    """Statements sent without waiting for each other's results."""

    statements: Sequence[str]


@dataclass(frozen=True)
class Copy:
    """COPY ... FROM STDIN."""

    sql: str
    data: str


# What an application does through its ORM. A driver does the same in SQL.


@dataclass(frozen=True)
class Expr:
    """A value written as SQL; an ORM is given what the database makes of it."""

    sql: str


@dataclass(frozen=True)
class Save:
    """A new object is saved."""

    table: str
    row: Row


@dataclass(frozen=True)
class Alter:
    """An object is loaded, changed and saved."""

    table: str
    key: Row
    columns: Row


@dataclass(frozen=True)
class Remove:
    """An object is loaded and deleted."""

    table: str
    key: Row


@dataclass(frozen=True)
class BulkCreate:
    """Many new objects in one statement."""

    table: str
    rows: Sequence[Row]
    conflict: Literal["", "ignore", "update"] = ""
    unique: tuple[str, ...] = ()  # what decides about a conflict


@dataclass(frozen=True)
class BulkUpdate:
    """Many changed objects in one statement."""

    table: str
    key: tuple[str, ...]
    rows: Sequence[Row]


@dataclass(frozen=True)
class QueryUpdate:
    """A query's rows are updated, none loaded."""

    table: str
    where: Row
    columns: Row


@dataclass(frozen=True)
class QueryDelete:
    table: str
    where: Row


@dataclass(frozen=True)
class Increment:
    """A loaded object is saved with a column set to an expression of itself."""

    table: str
    key: Row
    column: str
    by: int


@dataclass(frozen=True)
class Core:
    """A statement built by the framework below its ORM (SQLAlchemy Core); a raw cursor where there is none."""

    operation: Operation
    table: str
    where: Row
    columns: Row


@dataclass(frozen=True)
class Atomic:
    """A transaction of the framework's own; it ends in a rollback if told so."""

    steps: Sequence["Write"]
    rollback: bool = False


Write = Save | Alter | Remove | BulkCreate | BulkUpdate | QueryUpdate | QueryDelete | Increment | Core | Atomic
Statement = str | Fails | Many | Pipeline | Copy | Write
WRITES = (Save, Alter, Remove, BulkCreate, BulkUpdate, QueryUpdate, QueryDelete, Increment, Core, Atomic)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One promise. `settings` hold on the connection that runs the statements."""

    id: str
    promise: str
    schema: str | Mapping[Engine, str]
    run: Sequence[Statement]
    expected: Sequence[Change]
    engines: tuple[Engine, ...] = BOTH
    setup: Sequence[str] = ()
    settings: Sequence[str] = ()
    attached: bool = False  # SQLite: the writer's own main file is another; this one is attached as `app`
    roles: Sequence[str] = field(default=())  # PostgreSQL: made before the schema, without rights

    def ddl(self, engine: Engine) -> str:
        return self.schema if isinstance(self.schema, str) else self.schema[engine]

    @property
    def raw(self) -> bool:
        """Every statement is SQL: no ORM has a part in it."""
        return not any(isinstance(statement, WRITES) for statement in self.run)
