"""The audit log inside the portal: who may see it, and the portal's own frame around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from indelible import Viewer
from portal.access import Action
from portal.context import actor_of
from portal.pages.failure import sign_in_address
from portal.render import render

if TYPE_CHECKING:
    from starlette.requests import Request

    from indelible import Page
    from portal.access import Person


def viewer(request: Request) -> Viewer | Response:
    """Everybody who is signed in sees the entries of what they may see; nobody else sees any."""
    person: Person | None = request.state.person
    if person is None:
        return RedirectResponse(sign_in_address(request), 303)
    if person.must_change_password:
        return RedirectResponse("/account/password", 303)
    manages = person.may(Action.MANAGE_WEBHOOKS)
    return Viewer(actor=actor_of(person), organization=person.organization_id, manages=manages)


def shell(request: Request, page: Page) -> str:
    # Head and body are HTML that Indelible has already escaped.
    values = {"title": page.title, "head": Markup(page.head), "body": Markup(page.body)}  # noqa: S704
    return render(request, "audit.html", values)
