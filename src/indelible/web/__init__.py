"""The audit pages: one door for people, to be mounted in any ASGI application."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indelible.web.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """On first use: what an entry looks like (`view`, `state`) is known without Starlette."""
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from indelible.web.app import create_app

    return create_app
