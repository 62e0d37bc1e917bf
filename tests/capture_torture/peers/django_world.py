"""Django around a case: its settings, the models of the case's tables, and writes through its ORM."""

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.contrib.postgres import fields as pg
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.expressions import RawSQL
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Json

from tests.capture_torture.engines import Described
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
from tests.capture_torture.place import NoModelError, Place
from tests.capture_torture.plain_sql import in_sql

LABEL = "tortured"
APPS = ("django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres")
Model = type[models.Model]


def set_up(engine: Engine, url: str, installed: Sequence[str], **more: Any) -> None:
    """Once in a process; then every library's own tables are in the database at `url`."""
    settings.configure(
        DATABASES={"default": database(engine, url)},
        INSTALLED_APPS=[*APPS, *installed, "tests.capture_torture.peers.tortured"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **more,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    connection.close()


def database(engine: Engine, url: str) -> dict[str, Any]:
    if engine == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url}
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": parts["host"],
    }


def copy(engine: Engine, template: str, number: int) -> str:
    """A database with the libraries' tables and nothing else."""
    if engine == "sqlite":
        return shutil.copy(template, f"{template}.{number}")
    name = f"case{number}"
    source = str(conninfo_to_dict(template)["dbname"])
    with psycopg.connect(template.replace(f"/{source}?", "/postgres?"), autocommit=True) as db:
        db.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
    return template.replace(f"/{source}?", f"/{name}?")


def remove(engine: Engine, url: str) -> None:
    if engine == "sqlite":
        for path in Path(url).parent.glob(Path(url).name + "*"):
            path.unlink()
        return
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Plain(models.Field):  # type: ignore[type-arg]
    """A column of a type that Django has no field for: its values pass as the driver has them."""

    def __init__(self, type_: str = "", **options: Any) -> None:
        self.type = type_
        super().__init__(**options)

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - Django's signature
        return self.type

    def get_prep_value(self, value: Any) -> Any:
        return Json(value) if self.type == "json" and value is not None else value

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, [self.type, *args], options


SIMPLE: dict[str, type[Any]] = {
    "integer": models.BigIntegerField,
    "bigint": models.BigIntegerField,
    "smallint": models.SmallIntegerField,
    "text": models.TextField,
    "boolean": models.BooleanField,
    "double precision": models.FloatField,
    "bytea": models.BinaryField,
    "blob": models.BinaryField,
    "date": models.DateField,
    "time without time zone": models.TimeField,
    "timestamp with time zone": models.DateTimeField,
    "interval": models.DurationField,
    "uuid": models.UUIDField,
    "inet": models.GenericIPAddressField,
    "jsonb": models.JSONField,
    "hstore": pg.HStoreField,
    "int4range": pg.IntegerRangeField,
    "numrange": pg.DecimalRangeField,
    "tstzrange": pg.DateTimeRangeField,
}


def field(engine: Engine, type_: str, **options: Any) -> Any:
    found = SIMPLE.get(type_.lower())
    if (engine, type_) == ("sqlite", "REAL"):
        found = models.FloatField
    return found(**options) if found else Plain(type_, **options)


def attribute(column: str, place: int) -> str:
    """Django wants identifiers without two underscores."""
    plain = column.isidentifier() and column.isascii() and "__" not in column and not column.endswith("_")
    return column if plain and column not in ("pk", "check", "select", "new", "old") else f"column{place}x"


class Models:
    """A model for each table of a place."""

    def __init__(self, place: Place, *, single_key: bool) -> None:
        connection.close()
        connection.settings_dict.update(database(place.engine, place.url))
        self.place = place
        self._single_key = single_key  # say that the first column of a composite key is the key
        self.attributes: dict[str, dict[str, str]] = {}  # table, column: attribute
        self.of: dict[str, Model] = {}
        with connection.cursor() as cursor:
            relations = {name: self._relations(cursor, name) for name in place.tables}
        for name in sorted(place.tables, key=lambda name: len(relations[name])):  # those referred to come first
            self.of[name] = self._model(place.tables[name], relations[name])

    def _relations(self, cursor: Any, name: str) -> dict[str, str]:
        if "." in name:
            return {}
        found = connection.introspection.get_relations(cursor, name)
        return {column: row[1] for column, row in found.items() if row[1] != name}

    def _model(self, table: Described, relations: dict[str, str]) -> Model:
        if not table.key:
            raise NoModelError("Django's models need a primary key.")
        names = {column: attribute(column, i) for i, column in enumerate(table.columns)}
        fields: dict[str, Any] = {}
        for column, name in names.items():
            options: dict[str, Any] = {"db_column": column}
            if (column,) == (table.key[:1] if self._single_key else table.key):
                options["primary_key"] = True
            else:
                options["null"] = True
            if column in relations and relations[column] in self.of:
                to = self.of[relations[column]]
                fields[name] = models.ForeignKey(to, models.CASCADE, related_name=f"{table.name}_{name}", **options)
            elif column in table.identity:
                fields[name] = models.BigAutoField(primary_key=True, db_column=column)
            elif column not in table.generated:
                fields[name] = field(self.place.engine, table.columns[column], **options)
            else:
                inner = field(self.place.engine, table.columns[column])
                expression = RawSQL(table.generated[column], ())
                fields[name] = models.GeneratedField(
                    expression=expression, output_field=inner, db_persist=True, db_column=column
                )
        if len(table.key) > 1 and not self._single_key:
            fields["pk"] = models.CompositePrimaryKey(*(names[column] for column in table.key))
        self.attributes[table.name] = names
        meta = type("Meta", (), {"app_label": LABEL, "db_table": table.name.replace(".", '"."')})
        module = apps.get_app_config(LABEL).module
        assert module is not None
        class_name = f"Case{len(self.of)}"
        body = {"__module__": f"{module.__name__}.models", "Meta": meta, **fields}
        return type(class_name, (models.Model,), body)

    def attributes_of(self, table: str, row: Row) -> dict[str, Any]:
        names = self.attributes[table]
        fields = {column: self.of[table]._meta.get_field(names[column]) for column in row}
        return {fields[column].attname: self.value(fields[column], value) for column, value in row.items()}  # type: ignore[union-attr]

    def value(self, field: Any, value: Any) -> Any:
        """What the database makes of an expression, as Django reads it."""
        if not isinstance(value, Expr):
            return value
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {value.sql}".replace("%", "%%"), [])
            found = cursor.fetchone()[0]
        return field.from_db_value(found, None, connection) if hasattr(field, "from_db_value") else found


class DjangoWriter:
    """Runs statements: SQL by Django's own connection, writes by its ORM."""

    def __init__(self, models_: Models) -> None:
        self.models = models_

    def run(self, statements: Sequence[Statement]) -> None:
        for through_orm, group in groupby(statements, lambda statement: isinstance(statement, WRITES)):
            if not through_orm:
                self.raw(list(group))
                continue
            for write in group:
                self.write(write)  # type: ignore[arg-type]

    def raw(self, statements: Sequence[Statement]) -> None:
        with self.models.place.writer() as db:
            self.models.place.run(db, statements)

    def settings(self) -> None:
        for setting in self.models.place.case.settings:
            with connection.cursor() as cursor:
                cursor.execute(setting)

    def bulk_create(self, model: Model, objects: list[Any], **options: Any) -> None:
        model._default_manager.bulk_create(objects, **options)

    def bulk_update(self, model: Model, objects: list[Any], columns: list[str]) -> None:
        model._default_manager.bulk_update(objects, columns)

    def write(self, write: Write) -> None:  # noqa: C901 - a table of a few lines each
        of = self.models.attributes_of
        match write:
            case Save(table, row):
                self.models.of[table](**of(table, row)).save(force_insert=True)
            case Alter(table, key, columns):
                found = self._get(table, key)
                for name, value in of(table, columns).items():
                    setattr(found, name, value)
                found.save()
            case Remove(table, key):
                self._get(table, key).delete()
            case Increment(table, key, column, by):
                found = self._get(table, key)
                setattr(found, self.models.attributes[table][column], F(self.models.attributes[table][column]) + by)
                found.save()
            case BulkCreate():
                self._bulk_create(write)
            case BulkUpdate(table, key, rows):
                objects = [self._get(table, {column: row[column] for column in key}) for row in rows]
                for found, row in zip(objects, rows, strict=True):
                    for name, value in of(table, row).items():
                        setattr(found, name, value)
                rest = [self.models.attributes[table][column] for column in rows[0] if column not in key]
                self.bulk_update(self.models.of[table], objects, rest)
            case QueryUpdate(table, where, columns):
                self._query(table, where).update(**of(table, columns))
            case QueryDelete(table, where):
                self._query(table, where).delete()
            case Core():
                for statement in in_sql(write, self.models.place.engine):
                    with connection.cursor() as cursor:
                        cursor.execute(str(statement))
            case Atomic(steps, rollback):
                with transaction.atomic():
                    for step in steps:
                        self.write(step)
                    transaction.set_rollback(rollback)

    def _bulk_create(self, write: BulkCreate) -> None:
        model = self.models.of[write.table]
        objects = [model(**self.models.attributes_of(write.table, row)) for row in write.rows]
        options: dict[str, Any] = {}
        if write.conflict == "ignore":
            options = {"ignore_conflicts": True}
        elif write.conflict == "update":
            names = self.models.attributes[write.table]
            rest = [names[column] for column in write.rows[0] if column not in write.unique]
            options = {
                "update_conflicts": True,
                "unique_fields": [names[column] for column in write.unique],
                "update_fields": rest,
            }
        self.bulk_create(model, objects, **options)

    def _query(self, table: str, where: Row) -> Any:
        return self.models.of[table]._default_manager.filter(**self.models.attributes_of(table, where))

    def _get(self, table: str, key: Row) -> Any:
        return self._query(table, key).get()
