"""SQLAlchemy-Continuum, and SQLAlchemy alone."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, relationship

from tests.capture_torture.engines import qualified, quote
from tests.capture_torture.judge import Recorded
from tests.capture_torture.model import (
    WRITES,
    Alter,
    Atomic,
    BulkCreate,
    BulkUpdate,
    Core,
    Engine,
    Expr,
    Increment,
    QueryDelete,
    QueryUpdate,
    Remove,
    Row,
    Save,
    Statement,
    Write,
)
from tests.capture_torture.peers.snapshots import History, count, read, rules
from tests.capture_torture.place import NoModelError, Place


class Plain(sa.types.UserDefinedType[Any]):
    """A column of a type that SQLAlchemy does not know: its values pass as the driver has them."""

    cache_ok = True

    def __init__(self, declared: str) -> None:
        self.declared = declared

    def get_col_spec(self) -> str:
        return self.declared


class SQLAlchemyWriter:
    """Classes for a place's tables, by reflection, and writes through a session."""

    def __init__(self, place: Place, versioned: dict[str, Any]) -> None:
        self.place = place
        url = f"sqlite:///{place.url}" if place.engine == "sqlite" else place.url.replace("://", "+psycopg://", 1)
        self.engine = sa.create_engine(url)
        sa.event.listen(self.engine, "connect", self._connected)

        class Base(DeclarativeBase):
            pass

        self.base = Base
        self.of: dict[str, Any] = {}
        for name in place.tables:
            self._reflect(name)
        for name, table in self._tables.items():
            self.of[name] = type(f"Case{len(self.of)}", (Base,), {"__table__": table, **versioned})
        for name, table in self._tables.items():
            for key in table.foreign_keys:
                self._relate(name, key.column.table.name)
        configure_mappers()

    def _connected(self, connection: Any, _record: object) -> None:
        if self.place.engine == "sqlite":
            connection.execute("PRAGMA foreign_keys = ON")
        for setting in self.place.case.settings:
            connection.execute(setting)

    _tables: dict[str, sa.Table]

    def _reflect(self, name: str) -> None:
        self.__dict__.setdefault("_tables", {})
        schema, _, plain = name.rpartition(".")
        types = self.place.tables[name].columns

        def known(_inspector: object, _table: object, column: Any) -> None:
            if isinstance(column["type"], sa.types.NullType):
                column["type"] = Plain(types[column["name"]])
            elif isinstance(column["type"], sa.JSON):
                column["type"].none_as_null = True  # None is NULL, as for every other type

        self._tables[name] = sa.Table(
            plain,
            self.base.metadata,
            autoload_with=self.engine,
            schema=schema or None,
            listeners=[("column_reflect", known)],
        )

    def _relate(self, child: str, parent: str) -> None:
        """A parent's children go with it, and SQLAlchemy knows of them."""
        if child != parent and parent in self.of:
            related = relationship(self.of[child], cascade="all, delete-orphan", backref=f"parent_{parent}")
            setattr(self.of[parent], f"children_{child}", related)

    def run(self, statements: Sequence[Statement]) -> None:
        for through_orm, group in groupby(statements, lambda statement: isinstance(statement, WRITES)):
            if not through_orm:
                self.raw(list(group))
                continue
            for write in group:
                with Session(self.engine) as session:
                    self.write(session, write)  # type: ignore[arg-type]
                    session.commit()

    def raw(self, statements: Sequence[Statement]) -> None:
        with self.place.writer() as db:
            self.place.run(db, statements)

    def write(self, session: Session, write: Write) -> None:  # noqa: C901 - a table of a few lines each
        match write:
            case Save(table, row):
                session.add(self.of[table](**self._values(session, row)))
            case Alter(table, key, columns):
                found = self._get(session, table, key)
                for name, value in self._values(session, columns).items():
                    setattr(found, name, value)
            case Remove(table, key):
                session.delete(self._get(session, table, key))
            case Increment(table, key, column, by):
                setattr(self._get(session, table, key), column, getattr(self.of[table], column) + by)
            case BulkCreate(table, rows, conflict, unique):
                self._bulk_create(session, table, rows, conflict, unique)
            case BulkUpdate(table, _, rows):
                session.execute(sa.update(self.of[table]), [dict(row) for row in rows])
            case QueryUpdate(table, where, columns):
                session.execute(sa.update(self.of[table]).filter_by(**where).values(**columns))
            case QueryDelete(table, where):
                session.execute(sa.delete(self.of[table]).filter_by(**where))
            case Core():
                session.commit()
                self._core(write)
            case Atomic(steps, rollback):
                for step in steps:
                    self.write(session, step)
                    session.flush()
                if rollback:
                    session.rollback()

    def _bulk_create(
        self, session: Session, table: str, rows: Sequence[Row], conflict: str, unique: tuple[str, ...]
    ) -> None:
        insert = sqlite.insert if self.place.engine == "sqlite" else postgresql.insert
        statement: Any = insert(self.of[table])
        if conflict == "ignore":
            statement = statement.on_conflict_do_nothing(index_elements=unique)
        elif conflict == "update":
            rest = {column: statement.excluded[column] for column in rows[0] if column not in unique}
            statement = statement.on_conflict_do_update(index_elements=unique, set_=rest)
        session.execute(statement, [dict(row) for row in rows])

    def _core(self, write: Core) -> None:
        table = self._tables[write.table]
        where = [table.c[column] == value for column, value in write.where.items()]
        built: Any = {
            "create": lambda: table.insert().values(**write.columns),
            "update": lambda: table.update().where(*where).values(**write.columns),
            "delete": lambda: table.delete().where(*where),
        }[write.operation]()
        with self.engine.begin() as connection:
            connection.execute(built)

    @staticmethod
    def _values(session: Session, row: Row) -> dict[str, Any]:
        return {
            column: session.scalar(sa.text(f"SELECT {value.sql}".replace(":", r"\:")))
            if isinstance(value, Expr)
            else value
            for column, value in row.items()
        }

    def _get(self, session: Session, table: str, key: Row) -> Any:
        return session.scalars(sa.select(self.of[table]).filter_by(**key)).one()


class SQLAlchemyAlone:
    """Whether SQLAlchemy can say a case at all. What it cannot is written in SQL."""

    engines: tuple[Engine, ...] = ("sqlite", "postgres")
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
                table, version_class(model).__table__.fullname, {column: column for column in self.place.tables[table].columns},
                "transaction_id", "operation_type", meaning, deleted_is_told=False,
            )
            for table, model in self.writing.of.items()
        ]  # fmt: skip

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
