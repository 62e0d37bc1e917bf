"""Migration operations, for projects that say in their migrations what is watched."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.migrations.operations.base import Operation, OperationCategory

from indelible.integrations.django import watching
from indelible.integrations.django.conf import watched


class _OfModels(Operation):
    """Changes no model. It acts as the migration commits: capture has a connection of its own."""

    reduces_to_sql = False
    reversible = True
    category = OperationCategory.MIXED

    def __init__(self, *models: str) -> None:
        self.models = models
        self.names = [(label, name.lower()) for label, name in (model.split(".") for model in models)]

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, list(self.models), {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def _later(self, act: Any, schema_editor: Any, state: Any) -> None:
        alias = schema_editor.connection.alias
        if watched(alias) and not schema_editor.collect_sql:
            models = [state.apps.get_model(*name) for name in self.names]
            tables = [model._meta.db_table for model in models if self.allow_migrate_model(alias, model)]
            transaction.on_commit(partial(act, alias, tables), using=alias)


class Watch(_OfModels):
    """`Watch("shop.Order", "shop.Line")`: from here on the database records every change of them. Repeatable."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:  # noqa: ARG002
        self._later(watching.watch, schema_editor, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:  # noqa: ARG002
        self._later(watching.unwatch, schema_editor, to_state)

    def describe(self) -> str:
        return f"Watch {', '.join(self.models)}"


class Unwatch(_OfModels):
    """The other way round. With INDELIBLE['WATCH'] = 'all' a table is left out in the map, with its reason."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:  # noqa: ARG002
        self._later(watching.unwatch, schema_editor, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:  # noqa: ARG002
        self._later(watching.watch, schema_editor, to_state)

    def describe(self) -> str:
        return f"Stop watching {', '.join(self.models)}"
