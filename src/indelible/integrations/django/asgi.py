"""The audit pages beside Django, in its asgi.py:

from indelible.integrations.django.asgi import with_audit_pages

application = with_audit_pages(get_asgi_application(), "/audit")
"""

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest
from django.shortcuts import resolve_url

from indelible.errors import UsageError
from indelible.integrations.django.auditing import audit
from indelible.integrations.django.conf import configured
from indelible.viewer import Viewer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from indelible.viewer import Shell, ViewerCheck

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]
PERMISSION = "indelible.view_entry"


def with_audit_pages(
    application: App, prefix: str = "/audit", *, viewer: "ViewerCheck | None" = None, shell: "Shell | None" = None
) -> App:
    """`application` with the pages under `prefix`, for who may view entries, or for whom `viewer` lets in."""
    try:
        from starlette.applications import Starlette
        from starlette.routing import Mount

        from indelible.routes import over_lines
        from indelible.web import create_app
    except ImportError as error:
        raise UsageError("The audit pages need more packages: pip install 'indelible[server]'") from error
    prefix = "/" + prefix.strip("/")
    made: list[App] = []

    async def serve(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == prefix or path.startswith(f"{prefix}/")):
            await application(scope, receive, send)
            return
        if not made:  # in the process that serves, not in the one that forked it
            auditing, sees = audit(), viewer or signed_in_viewer
            pages = create_app(auditing.log, viewer=sees, shell=shell, refresh=auditing.seal, upkeep=auditing.upkeep)
            made.append(Starlette(routes=[over_lines(Mount(prefix, pages))]))
        await made[0](scope, receive, send)

    return serve


def signed_in_viewer(request: "Request") -> "Viewer | Response":
    """Whoever is signed in to Django and may view entries. They see those of every organization.

    A superuser may also say who else hears of them.
    """
    from starlette.responses import PlainTextResponse, RedirectResponse

    close_old_connections()  # Django's signals do not see this request
    try:
        user = session_user(request)
        allowed = user.has_perm(PERMISSION)
        actor = configured().actor(user)
    finally:
        close_old_connections()
    if actor is None:
        there = urlencode({"next": request.url.path})
        return RedirectResponse(f"{resolve_url(settings.LOGIN_URL)}?{there}", 303)
    if not allowed:
        return PlainTextResponse(f"You may not see the audit log; it takes the permission {PERMISSION}.", 403)
    return Viewer(actor=actor, manages=user.is_superuser)


def session_user(request: "Request") -> Any:
    """The user of Django's session in a request that does not pass through Django; anonymous without one."""
    from django.contrib.auth import get_user

    store = import_module(settings.SESSION_ENGINE).SessionStore
    asked = HttpRequest()
    asked.session = store(request.cookies.get(settings.SESSION_COOKIE_NAME))
    return get_user(asked)
