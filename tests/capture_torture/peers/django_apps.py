"""What Django must know of a library before any model of it can be imported."""

from typing import Any

INSTALLED: dict[str, tuple[str, ...]] = {
    "django-auditlog": ("auditlog",),
    "django-simple-history": ("simple_history",),
    "django-pghistory": ("pgtrigger", "pghistory"),
}
SETTINGS: dict[str, dict[str, Any]] = {"django-auditlog": {"AUDITLOG_STORE_JSON_CHANGES": True}}


def of(name: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return INSTALLED[name], SETTINGS.get(name, {})
