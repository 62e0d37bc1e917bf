"""What Django knows of its own tables, as a map: entities, what refers to what, passwords, and what is no business.

The project's TOML map wins, key by key. A table that it names is excluded only where it says so.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import Field, ManyToManyField, Model

from indelible.actions import ActionMap, Rule, TableMap, action_prefix, entity_name
from indelible.integrations.django.conf import LABEL

EXCLUDED = {
    "django_session": "What a browser's session holds; who signed in is seen at the user's last_login.",
    "django_migrations": "Django's own list of migrations.",
    "django_admin_log": "The admin's own history, of changes that are recorded themselves.",
    "django_content_type": "Django's own list of models, made by migrate.",
}


def entity_of(model: type[Model]) -> str:
    """The class's name; with its app's where another app has one of the same name."""
    name = str(model._meta.object_name)
    taken = Counter(each._meta.object_name for each in _models())
    return name if taken[name] == 1 else entity_name(model._meta.app_label) + name


def model_maps() -> dict[str, TableMap]:
    """A map for each table of a model, and of a many-to-many field."""
    made = {table: TableMap(exclude=reason) for table, reason in EXCLUDED.items()}
    for model in _models():
        made.setdefault(model._meta.db_table, _of_model(model))
        many = [field for field in model._meta.local_many_to_many if field.remote_field.through._meta.auto_created]
        targets = Counter(entity_of(field.remote_field.model) for field in many)
        for field in many:
            alone = targets[entity_of(field.remote_field.model)] == 1 and field.remote_field.model is not model
            made[field.m2m_db_table()] = _of_many(model, field, by_name=not alone)
    return made


def merged(path: Path | None) -> dict[str, TableMap]:
    """The models' map under the project's. Raises MapError."""
    made = model_maps()
    if path is None:
        return made
    given = ActionMap.load(path)
    for table, raw in tomllib.loads(path.read_text()).items():
        says = {key: value for key, value in msgspec.structs.asdict(given.table(table)).items() if key in raw}
        below = made.get(table, TableMap())
        if "references" in says:
            says["references"] = below.references | says["references"]
        if "redact" in says:
            says["redact"] = list(dict.fromkeys([*below.redact, *says["redact"]]))
        if "entity" in says and "action" not in says:
            says["action"] = ""  # its own default follows the new name
        made[table] = msgspec.structs.replace(below, **({"exclude": None} | says))
    return made


def given_tables(path: Path | None) -> set[str]:
    return set(tomllib.loads(path.read_text())) if path else set()


def fitted(
    maps: dict[str, TableMap], columns: dict[str, set[str]], strictly: Iterable[str] = ()
) -> dict[str, TableMap]:
    """What of it the database has. Tables named in `strictly` are left as they are, for capture to refuse."""
    strict = set(strictly)
    return {
        table: each if table in strict else _only(each, columns[table])
        for table, each in maps.items()
        if table in columns or table in strict
    }


def _only(table: TableMap, there: set[str]) -> TableMap:
    """Before all migrations have run, columns may be yet to come."""
    ids = table.ids()
    return msgspec.structs.replace(
        table,
        id=table.id if there.issuperset(ids) else [],
        name=table.name if table.name in there else None,
        organization=table.organization if table.organization in there else None,
        ignore=[column for column in table.ignore if column in there],
        redact=[column for column in table.redact if column in there],
        keep=[column for column in table.keep if column in there],
        references={column: entity for column, entity in table.references.items() if column in there},
        rule=[rule for rule in table.rule if rule.column is None or rule.column in there],
    )


def _models() -> Iterator[type[Model]]:
    """Those that have a table of their own."""
    for model in apps.get_models():
        if not (model._meta.proxy or model._meta.swapped or model._meta.app_label == LABEL):
            yield model


def _of_model(model: type[Model]) -> TableMap:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.base_user import AbstractBaseUser

    references = {
        field.column: entity_of(field.remote_field.model) for field in model._meta.local_fields if _refers(field)
    }
    secret = [model._meta.get_field("password").column] if issubclass(model, AbstractBaseUser) else []
    name = None
    if model is get_user_model():
        name = model._meta.get_field(model.USERNAME_FIELD).column
    return TableMap(entity=entity_of(model), name=name, references=references, redact=secret)


def _refers(field: Any) -> bool:
    """A foreign key that holds the other entity's id."""
    return bool(field.many_to_one or field.one_to_one) and field.target_field.primary_key


def _of_many(model: type[Model], field: "ManyToManyField[Any, Any]", *, by_name: bool) -> TableMap:
    """A row of it is something about the parent: the user's group, not a thing of its own."""
    child = entity_of(field.remote_field.model)
    action = f"{action_prefix(entity_of(model))}_{action_prefix(entity_name(field.name) if by_name else child)}"
    through: Field[Any, Any] = field.remote_field.through._meta.pk
    return TableMap(
        entity=entity_of(model),
        action=action,
        id=field.m2m_column_name(),
        ignore=[through.column],
        references={field.m2m_reverse_name(): child},
        rule=[Rule(action=f"{action}_ADDED", on="create"), Rule(action=f"{action}_REMOVED", on="delete")],
    )
