"""Django models for the tables of a case, made when it runs."""

from typing import Any

from django.apps import apps
from django.contrib.postgres import fields as pg
from django.db import connection, models
from django.db.models.expressions import RawSQL
from psycopg.types.json import Json

from tests.capture_torture.engines import Described
from tests.capture_torture.model import Engine, Expr, Row
from tests.capture_torture.peers.django_world import LABEL, database
from tests.capture_torture.place import NoModelError, Place

Model = type[models.Model]


class Plain(models.Field):  # type: ignore[misc]
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
                expression = RawSQL(table.generated[column], ())  # noqa: S611 - the case's own DDL
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
        return {fields[column].attname: self.value(fields[column], value) for column, value in row.items()}

    def value(self, field: Any, value: Any) -> Any:
        """What the database makes of an expression, as Django reads it."""
        if not isinstance(value, Expr):
            return value
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {value.sql}".replace("%", "%%"), [])
            found = cursor.fetchone()[0]
        return field.from_db_value(found, None, connection) if hasattr(field, "from_db_value") else found
