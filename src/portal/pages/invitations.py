"""Sending an invitation, and the page where it is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indelible import acting_as
from portal import passwords
from portal.context import actor_of
from portal.errors import PortalError
from portal.mail import MailError, send
from portal.pages.sign_in import with_session
from portal.render import NAME
from portal.services import configuration, invitations, sign_in
from portal.web import Call, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.services.invitations import Invitation

_BODY = """{inviter} invites you to {name}.

Open this link within {days} days to choose your name and password:

{link}

It works once. If you did not expect this, ignore it.
{support}"""


def announce(call: Call, invitation: Invitation) -> Response:
    """Mails the link, or shows it once. The commit comes first: a slow mail server must not hold the write lock."""
    call.commit()
    base = call.portal.settings.public_url or str(call.request.base_url).rstrip("/")
    link = f"{base}/invitation/{invitation.token}"
    error, mailer = "", call.portal.mailer
    if mailer is not None:
        try:
            send(mailer, invitation.user.email, f"Your invitation to {NAME}", _body(call, invitation, link))
        except MailError as failure:
            error = str(failure)
    shown = link if mailer is None or error else None
    return call.page("invited.html", user=invitation.user, days=invitation.days, link=shown, error=error)


def _body(call: Call, invitation: Invitation, link: str) -> str:
    support = f"\nQuestions: {invitation.support_email}\n" if invitation.support_email else ""
    return _BODY.format(inviter=call.person.name, name=NAME, days=invitation.days, link=link, support=support)


def show(call: Call) -> Response:
    with call.portal.database.reading() as db:
        user = invitations.find_open(db, call.id("token"))
        settings = configuration.effective(db, user.organization_id)
    return call.page("invitation.html", user=user, sign_in_notice=settings.sign_in_notice)


def accept(call: Call) -> Response:
    """Hashes before the transaction, then acts as the invited user: the link is the proof."""
    token, database, inputs = call.id("token"), call.portal.database, call.inputs
    with database.reading() as db:
        user = invitations.find_open(db, token)
    name, password = inputs.name("name", "Your name"), inputs.password("password")
    inputs.check()
    hashed = passwords.hash_password(password)
    user.name = name
    with acting_as(actor_of(user)), database.writing() as db:
        invitations.accept(db, token, name, hashed)
        db.commit()
    try:
        signed_in = sign_in.sign_in(database, call.visitor, user.email, password)
    except PortalError:  # accepted all the same: too many attempts, or a suspended organization
        return call.go("/sign-in", "welcome")
    return with_session(call, call.go("/", "welcome"), signed_in)


ROUTES = [page("/invitation/{token}", show, accept, public=True)]
