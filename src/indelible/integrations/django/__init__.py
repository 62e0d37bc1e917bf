"""Django: a package to list in INSTALLED_APPS; `docs/django.md` shows the five lines.

Every table is watched after `migrate`; each write carries who acts; the server process seals.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indelible.integrations.django.auditing import audit
    from indelible.integrations.django.middleware import Middleware
    from indelible.integrations.django.operations import Unwatch, Watch

__all__ = ["Middleware", "Unwatch", "Watch", "audit"]

_HOMES = {"Middleware": "middleware", "Unwatch": "operations", "Watch": "operations", "audit": "auditing"}


def __getattr__(name: str) -> Any:
    """On first use: Django imports this package before its settings and models are there."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}. Django needs more packages: pip install 'indelible[django]'") from error
