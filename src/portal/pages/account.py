"""The person's own account: sessions and password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.errors import SignInNeededError
from portal.services import account, sign_in, users
from portal.web import COOKIE, Call, act, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.access import Person


def show(call: Call) -> Response:
    return call.page("account.html", sessions=sign_in.open_sessions(call.db, call.person))


def end_session(call: Call) -> Response:
    sign_in.end_session(call.db, call.person, call.id())
    return call.go("/account", "session-ended")


def end_all(call: Call) -> Response:
    users.end_sessions(call.db, call.person.id)
    response = call.go("/sign-in", "signed-out")
    response.delete_cookie(COOKIE, path="/")
    return response


def password(call: Call) -> Response:
    _identified(call)
    return call.page("password.html")


def save_password(call: Call) -> Response:
    """Hashes outside the request's transaction, so it uses none."""
    person = _identified(call)
    inputs = call.inputs
    new = inputs.password("new_password")
    inputs.check()
    current = call.form.values.get("current_password", "")
    account.change_password(call.portal.database, call.visitor, person, current, new)
    return call.go("/account", "password")


def _identified(call: Call) -> Person:
    person: Person | None = call.request.state.person
    if person is None:
        raise SignInNeededError("You are not signed in. Sign in first.")
    return person


ROUTES = [
    page("/account", show),
    page("/account/password", password, save_password, public=True),
    act("/account/sessions/{id}/end", end_session, show),
    act("/account/sign-out-everywhere", end_all, show),
]
