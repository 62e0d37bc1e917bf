"""Signing in and out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from portal.errors import SignInNeededError, TooManyError
from portal.inputs import EMAIL_LENGTH
from portal.passwords import LENGTH
from portal.services import configuration, sign_in
from portal.web import COOKIE, Call, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.services.sign_in import SignedIn


def show(call: Call) -> Response:
    with call.portal.database.reading() as db:
        settings = configuration.platform(db)
    return call.page("sign_in.html", sign_in_notice=settings.sign_in_notice, next=_next(call))


def save(call: Call) -> Response:
    email, password = call.form.values.get("email", ""), call.form.values.get("password", "")
    if len(email) > EMAIL_LENGTH or len(password) > LENGTH[1] or call.form.unreadable:
        email, password = email[:EMAIL_LENGTH], ""  # cannot be right; takes the same way as any wrong one
    try:
        signed_in = sign_in.sign_in(call.portal.database, call.visitor, email, password)
    except TooManyError as error:
        call.errors = {"": str(error)}
        response = show(call)
        response.status_code = error.status
        return response
    return with_session(call, call.go(_next(call)), signed_in)


def leave(call: Call) -> Response:
    with suppress(SignInNeededError):  # already signed out: that is what was wanted
        sign_in.end_session(call.db, call.person, call.person.session_id)
    response = call.go("/sign-in", "signed-out")
    response.delete_cookie(COOKIE, path="/")
    return response


def with_session(call: Call, response: Response, signed_in: SignedIn) -> Response:
    response.set_cookie(
        COOKIE,
        signed_in.token,
        max_age=signed_in.seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=call.request.url.scheme == "https",
    )
    return response


def _next(call: Call) -> str:
    """Where to go after signing in; a path of this portal only, never another site."""
    wanted = call.form.values.get("next") or call.request.query_params.get("next", "")
    clean = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and not wanted.startswith("//")
    if not (clean and wanted.startswith("/")) or urlsplit(wanted).path in ("/sign-in", "/sign-out"):
        return "/"
    return wanted


ROUTES = [page("/sign-in", show, save, public=True), page("/sign-out", show, leave, public=True)]
