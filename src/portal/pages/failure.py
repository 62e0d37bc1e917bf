"""The pages for what cannot be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from portal.errors import NotFoundError, PortalError, SignInNeededError
from portal.render import render

if TYPE_CHECKING:
    from starlette.types import Scope

_SERVER_ERROR = 500


class MethodError(PortalError):
    status = 405
    title = "Not like this"


def failure(scope: Scope, error: PortalError) -> Response:
    values = {"title": error.title, "message": str(error), "status": error.status}
    return HTMLResponse(render(Request(scope), "error.html", values), error.status)


async def on_portal_error(request: Request, error: Exception) -> Response:
    if isinstance(error, SignInNeededError):
        return RedirectResponse(sign_in_address(request), 303)
    return failure(request.scope, error if isinstance(error, PortalError) else PortalError(str(error)))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, or the wrong method for it."""
    status = error.status_code if isinstance(error, HTTPException) else _SERVER_ERROR
    if status == NotFoundError.status:
        return failure(request.scope, NotFoundError())
    if status == MethodError.status:
        return failure(
            request.scope, MethodError("This address takes a form, not a visit. Go back and use the button.")
        )
    return failure(request.scope, PortalError(f"The request was refused ({status}). Go back and try again."))


async def on_crash(request: Request, error: Exception) -> Response:
    from portal.middleware import HEADERS
    from portal.web import PageFailedError

    del error  # the server logs it
    response = failure(request.scope, PageFailedError())
    response.headers.update(HEADERS)  # this answer is made outside the middleware
    return response


def sign_in_address(request: Request) -> str:
    """The sign-in page, remembering where the person wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(wanted)}" if request.method == "GET" and wanted != "/" else "/sign-in"
