"""Writes through Django's ORM."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from tests.capture_torture.model import (
    WRITES,
    Alter,
    Atomic,
    BulkCreate,
    BulkUpdate,
    Core,
    Increment,
    QueryDelete,
    QueryUpdate,
    Remove,
    Row,
    Save,
    Statement,
    Write,
)
from tests.capture_torture.peers.django_models import Model, Models
from tests.capture_torture.plain_sql import in_sql


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

    def write(self, write: Write) -> None:  # noqa: C901, PLR0912 - a table of a few lines each
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
