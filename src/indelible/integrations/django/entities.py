"""From the admin's objects to the log's entities, and back."""

from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from indelible.actions import ActionMap
from indelible.event import Entity
from indelible.integrations.django.conf import configured
from indelible.integrations.django.defaults import merged


def history_query(entity_type: str, key: str) -> str | None:
    """The search for exactly this entity; None for one that the query language cannot spell."""
    whole = f"{entity_type}/{key}"
    if '"' in whole or not whole.isprintable():
        return None
    return f'entity:"{whole}"' if " " in whole else f"entity:{whole}"


def history_url(opts: Any, key: Any) -> str | None:
    """Of an object's entries in the admin; None where its table says nothing of an entity of its own."""
    table = ActionMap(merged(configured().map_path)).table(opts.db_table)
    if table.exclude or table.ids() not in ([], [opts.pk.column]):
        return None
    query = history_query(table.entity, str(key))
    return query and f"{reverse('admin:indelible_entry_changelist')}?{urlencode({'q': query})}"


def object_url(site: Any, request: HttpRequest, entity: Entity) -> str | None:
    """The object's own page in the admin, for those who may see it."""
    maps = merged(configured().map_path)
    for model in apps.get_models():
        told = maps.get(model._meta.db_table)
        if told is not None and told.entity == entity.type and not model._meta.proxy and site.is_registered(model):
            if not site.get_model_admin(model).has_view_permission(request):
                return None
            try:
                return reverse(
                    f"admin:{model._meta.app_label}_{model._meta.model_name}_change",
                    args=[entity.id],
                    current_app=site.name,
                )
            except NoReverseMatch:
                return None
    return None
