"""Templates, and what each of them may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal import clock
from portal.access import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from starlette.requests import Request

    from portal.models import Organization, User

NAME = "Northdesk"

# What a page says after a form was saved; the address carries only the key.
NOTICES = {
    "created": "Created.",
    "saved": "Saved.",
    "deleted": "Deleted.",
    "suspended": "Suspended. Its people can no longer sign in.",
    "reactivated": "Reactivated.",
    "deactivated": "Deactivated, and signed out everywhere.",
    "removed": "Removed.",
    "issued": "License issued.",
    "assigned": "License assigned.",
    "unassigned": "License unassigned.",
    "renewed": "License renewed.",
    "revoked": "License revoked.",
    "reset": "Deleted. The platform’s settings apply again.",
    "welcome": "Your account is ready.",
    "password": "Password changed. Your other sessions were ended.",
    "session-ended": "Session ended.",
    "signed-out": "You are signed out.",
}

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _options(keys: Iterable[str]) -> list[tuple[str, str]]:
    """For a list to choose from: what is sent, and what is read."""
    return [(key, key.capitalize()) for key in keys]


def _named(rows: Iterable[Organization | User]) -> list[tuple[str, str]]:
    return [(row.id, row.name) for row in rows]


_environment.globals.update(NAME=NAME, Action=Action, today=clock.today)
_environment.filters.update(minute=_minute, options=_options, named=_named)


def render(request: Request, template: str, values: Mapping[str, Any]) -> str:
    shared: dict[str, Any] = {
        "request": request,
        "path": request.url.path,
        "person": getattr(request.state, "person", None),
        "support_email": getattr(request.state, "support_email", ""),
        "request_id": getattr(request.scope.get("indelible.context"), "request_id", None),
        "notice": NOTICES.get(request.query_params.get("done", "")),
        "form": None,
        "errors": {},
    }
    return _environment.get_template(template).render({**shared, **values})
