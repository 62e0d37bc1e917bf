"""Invitations: mailed by a real SMTP server or shown once, expiring, working once."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from starlette.testclient import TestClient

from portal import clock
from portal.app import create_app
from portal.models import User
from portal.tokens import sha256
from tests.portal.northdesk import Browser, Desk, free_port, settings_form, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx2 import Response

    from portal.settings import Settings

LINK = re.compile(r"/invitation/[\w-]{43}")


def invite(browser: Browser, email: str = "kim@acme.test", role: str = "auditor", organization: str = "") -> Response:
    return browser.post("/users/new", email=email, role=role, organization_id=organization)


def link(answer: Response) -> str:
    found = LINK.search(answer.text)
    assert found, text(answer)
    return found.group()


class Inbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    inbox = Inbox()
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_without_a_mail_server_the_link_is_shown_once_and_the_page_says_so(desk: Desk) -> None:
    browser = desk.signed_in()
    answer = invite(browser)
    assert "This portal has no mail server" in text(answer)
    assert "shown only now" in text(answer)
    token = link(answer).removeprefix("/invitation/")
    user = desk.user_called("kim@acme.test")
    assert user.invitation_token_hash == sha256(token)
    assert token not in browser.get(f"/users/{user.id}").text


def test_accepting_sets_name_and_password_and_signs_in(desk: Desk) -> None:
    path = link(invite(desk.signed_in()))
    guest = desk.browser()
    assert "You were invited as kim@acme.test" in text(guest.get(path))
    answer = guest.post(path, name="Kim Hart", password="a fine password")
    assert answer.headers["location"] == "/?done=welcome"
    assert "Kim Hart" in text(guest.get("/"))
    user = desk.user_called("kim@acme.test")
    assert (user.name, user.status, user.invitation_token_hash) == ("Kim Hart", "active", None)


def test_a_link_works_once(desk: Desk) -> None:
    path = link(invite(desk.signed_in()))
    desk.browser().post(path, name="Kim", password="a fine password")
    for answer in (desk.browser().get(path), desk.browser().post(path, name="Eve", password="another password")):
        assert answer.status_code == 404
        assert "Ask whoever invited you for a new one." in text(answer)
    assert desk.user_called("kim@acme.test").name == "Kim"


def test_a_link_expires_after_the_days_of_the_configuration(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.post(f"/configuration/{desk.platform().id}", **settings_form(invitation_days="3"))
    answer = invite(browser)
    assert "for 3 days" in text(answer)
    user = desk.user_called("kim@acme.test")
    assert user.invitation_expires_at
    assert timedelta(days=2.9) < user.invitation_expires_at - clock.now() < timedelta(days=3.1)
    desk.change(User, user.id, invitation_expires_at=clock.now() - timedelta(seconds=1))
    assert desk.browser().get(link(answer)).status_code == 404


def test_resending_makes_a_new_link_and_ends_the_old_one(desk: Desk) -> None:
    browser = desk.signed_in()
    old = link(invite(browser))
    user = desk.user_called("kim@acme.test").id
    new = link(browser.post(f"/users/{user}/resend"))
    assert desk.browser().get(old).status_code == 404
    assert desk.browser().get(new).status_code == 200
    desk.browser().post(new, name="Kim", password="a fine password")
    answer = browser.post(f"/users/{user}/resend")
    assert (answer.status_code, "needs no invitation" in text(answer)) == (409, True)


def test_an_invented_link_is_nobody(desk: Desk) -> None:
    for token in ("x", "%00", "%ff", "a" * 5000, "é"):
        assert desk.browser().get(f"/invitation/{token}").status_code == 404, token


def test_what_was_typed_on_the_invitation_page_is_kept(desk: Desk) -> None:
    path = link(invite(desk.signed_in()))
    answer = desk.browser().post(path, name="Kim <b>", password="short")
    assert answer.status_code == 422
    assert 'value="Kim &lt;b&gt;"' in answer.text
    assert "The password has 5 characters. Use 10 to 256." in text(answer)


def test_an_address_in_use_is_refused_whatever_its_case(desk: Desk) -> None:
    browser = desk.signed_in()
    invite(browser)
    answer = invite(browser, "KIM@acme.TEST")
    assert (answer.status_code, 'value="KIM@acme.TEST"' in answer.text) == (409, True)
    assert "already belongs to kim@acme.test (invited)" in text(answer)


def test_a_scoped_admin_invites_into_their_organization_only(desk: Desk) -> None:
    mine, other = desk.organization("Mine"), desk.organization("Other")
    desk.user("taken@other.test", "auditor", other)
    browser = desk.someone("admin", mine)
    assert link(invite(browser, "a@acme.test", "auditor", mine))
    for organization in (other, "", "org_nowhere"):
        assert invite(browser, "b@acme.test", "auditor", organization).status_code == 422, organization
    answer = invite(browser, "taken@other.test", "auditor", mine)
    assert "already belongs to somebody else" in text(answer)


def test_an_owner_belongs_to_no_organization(desk: Desk) -> None:
    answer = invite(desk.signed_in(), role="owner", organization=desk.organization())
    assert (answer.status_code, "An owner is platform-wide" in text(answer)) == (409, True)


def test_invitations_by_admins_can_be_switched_off(desk: Desk) -> None:
    owner, admin = desk.signed_in(), desk.someone("admin")
    form = settings_form()
    del form["invitations_enabled"]
    owner.post(f"/configuration/{desk.platform().id}", **form)
    assert "Invite user" not in text(admin.get("/users"))
    answer = invite(admin)
    assert (answer.status_code, "switched off" in text(answer)) == (403, True)
    assert invite(owner).status_code == 200


def test_an_organization_cannot_allow_what_the_platform_switched_off(desk: Desk) -> None:
    acme = desk.organization()
    owner, admin = desk.signed_in(), desk.someone("admin", acme)
    form = settings_form()
    del form["invitations_enabled"]
    owner.post(f"/configuration/{desk.platform().id}", **form)
    assert admin.post("/configuration/new", organization_id=acme, **settings_form()).status_code == 303
    assert invite(admin, "kim@acme.test", "auditor", acme).status_code == 403


def test_a_mail_server_delivers_the_link(inbox: tuple[Inbox, str], make_settings: Callable[..., Settings]) -> None:
    received, url = inbox
    app = create_app(make_settings(smtp_url=url, public_url="https://portal.acme.test"))
    with TestClient(app):
        desk = Desk(app)
        answer = invite(desk.signed_in())
        assert "The mail is on its way" in text(answer)
        assert not LINK.search(answer.text)
        ((to, mail),) = received.mails
        assert (to, mail["To"]) == (["kim@acme.test"], "kim@acme.test")
        body = mail.get_content()
        assert "https://portal.acme.test/invitation/" in body
        assert "support@northdesk.test" in body
        path = LINK.search(body)
        assert path
        assert desk.browser().get(path.group()).status_code == 200


def test_a_mail_server_that_is_down_keeps_the_invitation_and_shows_the_link(
    make_settings: Callable[..., Settings],
) -> None:
    app = create_app(make_settings(smtp_url="smtp://127.0.0.1:1"))
    with TestClient(app):
        desk = Desk(app)
        answer = invite(desk.signed_in())
        assert "The mail server 127.0.0.1:1 did not take the mail to kim@acme.test" in text(answer)
        assert "The invitation itself is saved." in text(answer)
        assert desk.browser().get(link(answer)).status_code == 200
