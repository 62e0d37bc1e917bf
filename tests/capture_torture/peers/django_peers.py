"""django-auditlog, django-simple-history and django-pghistory, and Django alone."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import connection

from tests.capture_torture.engines import CANONICAL, canonical, identical
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Expr, Statement
from tests.capture_torture.peers.django_models import Model, Models
from tests.capture_torture.peers.django_writer import DjangoWriter
from tests.capture_torture.peers.snapshots import History, count, read, rules
from tests.capture_torture.place import NoModelError, Place


class DjangoAlone:
    """Whether Django can say a case at all. What it cannot, an application writes in SQL: so do the peers."""

    writer = DjangoWriter

    def __init__(self, *, raw: bool = False, single_key: bool = False) -> None:
        self._raw, self._single_key = raw, single_key

    def install(self, place: Place) -> None:
        self.rules = rules(place.engine)
        self.place = place
        try:
            self.models = Models(place, single_key=self._single_key)
            self.watch()
        except NoModelError:
            raise
        except Exception as error:
            raise NoModelError(f"{type(error).__name__}: {error}") from error
        self.writing = self.writer(self.models)

    def watch(self) -> None:
        """Set the library up for every model."""

    def settle(self) -> None: ...

    def run(self, statements: Sequence[Statement]) -> None:
        if self._raw:
            self.writing.raw(statements)
        else:
            if not self.place.case.raw:
                self.writing.settings()
            self.writing.run(statements)

    def recorded(self) -> list[Recorded]:
        return []

    def close(self) -> None:
        connection.close()

    def make(self, model: Model) -> None:
        """A library's own table for a model."""
        with connection.schema_editor() as editor:
            editor.create_model(model)

    def columns(self, table: str, history: Model) -> dict[str, str]:
        names = self.models.attributes[table]
        return {column: str(history._meta.get_field(name).column) for column, name in names.items()}


class SimpleHistoryWriter(DjangoWriter):
    """Its documentation asks for these in place of Django's own."""

    def bulk_create(self, model: Model, objects: list[Any], **options: Any) -> None:
        from simple_history.utils import bulk_create_with_history

        if "update_conflicts" in options:
            super().bulk_create(model, objects, **options)
        else:
            bulk_create_with_history(objects, model, **options)

    def bulk_update(self, model: Model, objects: list[Any], columns: list[str]) -> None:
        from simple_history.utils import bulk_update_with_history

        bulk_update_with_history(objects, model, columns)


class SimpleHistory(DjangoAlone):
    writer = SimpleHistoryWriter

    def watch(self) -> None:
        from simple_history import register

        self.histories = []
        for table, model in self.models.of.items():
            register(model)
            history = model.history.model
            self.make(history)
            meaning = {"+": "create", "~": "update", "-": "delete"}
            self.histories.append(
                History(
                    table, history._meta.db_table, self.columns(table, history), "history_id", "history_type", meaning,
                    deleted_is_told=True,
                )
            )  # fmt: skip

    def settle(self) -> None:
        """As `populate_history` does for rows that were there before."""
        for model in self.models.of.values():
            try:
                model.history.bulk_history_create(model._default_manager.all())
            except Exception as error:  # rows that Django cannot read
                raise NoModelError(f"{type(error).__name__}: {error}") from error
        self._seen = count(self.place, self.histories)

    def recorded(self) -> list[Recorded]:
        return read(self.place, self.histories, self._seen)


class PgHistory(DjangoAlone):
    def watch(self) -> None:
        import pghistory

        self.histories = []
        for table, model in self.models.of.items():
            trackers = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
            pghistory.track(*trackers, level=pghistory.Row)(model)
            (event,) = pghistory.core.event_models(tracks_model=model)
            self.make(event)
            for trigger in model._meta.triggers:
                trigger.install(model)
            meaning = {"insert": "create", "update": "update", "delete": "delete"}
            self.histories.append(
                History(
                    table, event._meta.db_table, self.columns(table, event), "pgh_id", "pgh_label", meaning,
                    deleted_is_told=True,
                )
            )  # fmt: skip

    def settle(self) -> None:
        self._seen = count(self.place, self.histories)

    def recorded(self) -> list[Recorded]:
        return read(self.place, self.histories, self._seen)


class AuditLogWriter(DjangoWriter):
    """Remembers how Django prints each value, so that it can be told again in the log."""

    def __init__(self, models_: Models) -> None:
        super().__init__(models_)
        self.printed: dict[str, list[Any]] = defaultdict(list)
        self._evaluate = models_.value
        models_.value = self._value  # type: ignore[method-assign]

    def _value(self, field: Any, value: Any) -> Any:
        found = self._evaluate(field, value)
        if isinstance(value, Expr):
            self.printed[self._canonical(value)] += [found, str(found), *_printed(found)]
        return found

    def _canonical(self, value: Expr) -> str:
        with self.models.place.connection() as db:
            if self.models.place.engine == "postgres":
                for setting in CANONICAL:
                    db.execute(setting)
                return str(db.execute(f"SELECT ({value.sql})::text").fetchone()[0])
            return repr(db.execute(f"SELECT {value.sql}").fetchone()[0])


class AuditLog(DjangoAlone):
    writer = AuditLogWriter

    def watch(self) -> None:
        from auditlog.registry import auditlog

        for model in self.models.of.values():
            auditlog.register(model)
        self.rules = Rules(self._same, self._same_key)

    def settle(self) -> None:
        self._seen = len(self._entries())

    def recorded(self) -> list[Recorded]:
        connection.close()  # it may have another role
        return [self._recorded(entry) for entry in self._entries()[self._seen :]]

    def _entries(self) -> list[Any]:
        from auditlog.models import LogEntry

        return list(LogEntry.objects.order_by("id"))

    def _recorded(self, entry: Any) -> Recorded:
        model = entry.content_type.model_class()
        table = next(name for name, found in self.models.of.items() if found is model)
        names = {name: column for column, name in self.models.attributes[table].items()}
        changes = {names[name]: change for name, change in entry.changes.items() if name in names}
        operation = ("create", "update", "delete")[entry.action]
        if operation != "update":  # what was empty is not told: it is the default
            changes = {column: changes.get(column, (None, None)) for column in names.values()}
        old = {} if operation == "create" else {column: change[0] for column, change in changes.items()}
        new = {} if operation == "delete" else {column: change[1] for column, change in changes.items()}
        return Recorded(operation, table, entry.object_pk, old, new)

    def _same(self, expected: Any, _type: str, recorded: Any) -> bool:
        if _alike(expected, recorded):
            return True
        told = canonical(expected, self.place.engine)
        key = told if self.place.engine == "postgres" else repr(told)
        assert isinstance(self.writing, AuditLogWriter)
        printed = self.writing.printed.get(key, [])
        return any(_alike(form, recorded) for form in printed)

    def _same_key(self, key: tuple[Any, ...], _types: tuple[str, ...], recorded: Any) -> bool:
        return bool(recorded == str(key[0] if len(key) == 1 or self._single_key else key))


def _printed(found: Any) -> list[str]:
    """The library takes a time's zone off, it is always UTC; bytes it takes for UTF-8."""
    if isinstance(found, bytes | memoryview):
        return [bytes(found).decode(errors="replace")]
    return [str(found.replace(tzinfo=None))] if hasattr(found, "tzinfo") else []


def _alike(value: Any, recorded: Any) -> bool:
    """JSON as PostgreSQL keeps it has one kind of number."""
    as_float = isinstance(value, float) and type(recorded) is int
    return value == float(recorded) if as_float else identical(value, recorded)


PEERS: dict[str, type[DjangoAlone]] = {
    "django-auditlog": AuditLog,
    "django-simple-history": SimpleHistory,
    "django-pghistory": PgHistory,
}
