"""SQLAlchemy classes for the tables of a case, by reflection, and writes through a session."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, relationship

from tests.capture_torture.model import (
    WRITES,
    Alter,
    Atomic,
    BulkCreate,
    BulkUpdate,
    Core,
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
from tests.capture_torture.place import Place


class Plain(sa.types.UserDefinedType[Any]):
    """A column of a type that SQLAlchemy does not know: its values pass as the driver has them."""

    cache_ok = True

    def __init__(self, declared: str) -> None:
        self.declared = declared

    def get_col_spec(self, **_: Any) -> str:
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

    def write(self, session: Session, write: Write) -> None:  # noqa: C901, PLR0912 - a table of a few lines each
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
        built: dict[str, Any] = {
            "create": table.insert().values(**write.columns),
            "update": table.update().where(*where).values(**write.columns),
            "delete": table.delete().where(*where),
        }
        with self.engine.begin() as connection:
            connection.execute(built[write.operation])

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
