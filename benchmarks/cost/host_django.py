"""Django over the portal's tables."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from benchmarks.cost import django_peers
from benchmarks.cost.rows import INSERT_SELECT, SEED, row, rows, seeded
from benchmarks.cost.subject import COUNTS, Subject, Where, Write
from benchmarks.cost.tables import make_tables, watch

COLUMNS = list(row(""))
INSERT = f"INSERT INTO licenses ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"


class Django(Subject):
    def __init__(self, where: Where) -> None:
        self.where = where
        make_tables(where)
        django_peers.set_up(where)
        if where.variant != "indelible":  # `migrate` has watched
            watch(where)
        self.counts = COUNTS.get((where.variant, where.engine)) or django_peers.COUNTS.get(where.variant)
        from django.db import connection, transaction

        from benchmarks.cost.models import License

        self.model, self.connection, self.atomic = License, connection, transaction.atomic
        self.seeded = self.model.objects.filter(id__gte=SEED, id__lt=f"{SEED}~")

    def acting(self) -> AbstractContextManager[object]:
        return django_peers.acting(self.where.variant) or nullcontext()

    def insert(self, number: int) -> Write:
        given = row(f"a{number:06d}")

        def write() -> None:
            with self.atomic():
                self.model.objects.create(**given)

        return write

    def update(self, number: int) -> Write:
        def write() -> None:
            with self.atomic():
                found = self.model.objects.get(pk=seeded(number))
                found.product = "Changed"
                found.save()

        return write

    def save_new(self, number: int) -> Write:
        made = self.model(**row(f"s{number:06d}"))
        return lambda: made.save(force_insert=True)

    def save(self, number: int) -> Write:
        found = self.model.objects.get(pk=seeded(number))
        found.product = "Saved"
        write: Write = found.save
        return write

    def insert_objects(self, number: int) -> Write:
        given = rows(f"b{number}")

        def write() -> None:
            made = [self.model(**each) for each in given]
            with self.atomic():
                self._bulk_create(made)

        return write

    def update_objects(self, number: int) -> Write:
        def write() -> None:
            with self.atomic():
                for each in self.seeded:
                    each.product = f"Product {number}"
                    each.save()

        return write

    def bulk_update(self, number: int) -> Write:
        found = list(self.seeded)
        for each in found:
            each.product = f"Bulk product {number}"

        def write() -> None:
            with self.atomic():
                self._bulk_update(found)

        return write

    def insert_select(self, number: int) -> Write:
        return lambda: self._execute(INSERT_SELECT.format(prefix=f"d{number}"))

    def update_rows(self, number: int) -> Write:
        def write() -> None:
            with self.atomic():
                self.seeded.update(product=f"Bulk {number}")

        return write

    def executemany(self, number: int) -> Write:
        given = [tuple(each.values()) for each in rows(f"e{number}")]

        def write() -> None:
            with self.atomic(), self.connection.cursor() as cursor:
                cursor.executemany(INSERT, given)

        return write

    def recorded(self) -> int:
        if self.counts is None:
            return 0
        with self.connection.cursor() as cursor:
            cursor.execute(self.counts)
            return int(cursor.fetchone()[0])

    def close(self) -> None:
        self.connection.close()

    def _execute(self, sql: str) -> None:
        with self.atomic(), self.connection.cursor() as cursor:
            cursor.execute(sql)

    def _bulk_create(self, objects: list[Any]) -> None:
        """Where a peer's documentation asks for a function of its own, that one."""
        if self.where.variant == "django-simple-history":
            from simple_history.utils import bulk_create_with_history

            bulk_create_with_history(objects, self.model)
        else:
            self.model.objects.bulk_create(objects)

    def _bulk_update(self, objects: list[Any]) -> None:
        if self.where.variant == "django-simple-history":
            from simple_history.utils import bulk_update_with_history

            bulk_update_with_history(objects, self.model, ["product"])
        else:
            self.model.objects.bulk_update(objects, ["product"])
