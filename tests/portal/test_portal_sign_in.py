"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from portal import clock, passwords
from portal.models import Organization, SignInAttempt, User, UserSession
from portal.web import COOKIE
from tests.portal.northdesk import OWNER, PASSWORD, text

if TYPE_CHECKING:
    from tests.portal.northdesk import Desk

WRONG = "E-mail and password do not match an active user."


def test_the_right_password_opens_a_session_with_a_careful_cookie(desk: Desk) -> None:
    answer = desk.browser().post("/sign-in", email=OWNER.upper(), password=PASSWORD)
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=43200" in cookie
    (session,) = desk.rows(UserSession)
    assert session.token_hash not in answer.headers["set-cookie"]


def test_the_cookie_is_secure_over_https(desk: Desk) -> None:
    answer = desk.browser().client.post(
        "https://testserver/sign-in", data={"email": OWNER, "password": PASSWORD}, headers={}
    )
    assert "secure" in answer.headers["set-cookie"].lower()


def test_unknown_wrong_deactivated_invited_and_suspended_read_the_same(desk: Desk) -> None:
    suspended = desk.organization("Gone", status="suspended")
    desk.user("off@people.test", status="deactivated")
    desk.user("new@people.test", status="invited", password_hash=None)
    desk.user("out@people.test", organization=suspended)
    tries = [
        ("nobody@people.test", PASSWORD),
        (OWNER, "wrong password"),
        ("off@people.test", PASSWORD),
        ("new@people.test", PASSWORD),
        ("out@people.test", PASSWORD),
    ]
    answers = [desk.browser().post("/sign-in", email=email, password=password) for email, password in tries]
    assert {answer.status_code for answer in answers} == {422}
    pages = {text(answer).replace(email, "") for answer, (email, _) in zip(answers, tries, strict=True)}
    assert len(pages) == 1
    assert WRONG in pages.pop()
    assert [attempt.reason for attempt in desk.rows(SignInAttempt)].count("wrong password") == 1
    assert desk.rows(UserSession) == []


def test_an_unknown_email_costs_one_hash_like_a_known_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Counting:
        def hash(self, password: str) -> str:
            return f"hash of {password}"

        def verify(self, stored: str, _password: str) -> bool:
            verified.append(stored)
            return False

    monkeypatch.setattr(passwords, "_hasher", Counting())
    desk.browser().post("/sign-in", email="nobody@people.test", password="x")
    desk.browser().post("/sign-in", email=OWNER, password="x")
    assert len(verified) == 2


def test_ten_failures_for_an_email_close_it_for_a_while(desk: Desk) -> None:
    browser = desk.browser()
    for _ in range(10):
        assert browser.post("/sign-in", email=OWNER, password="wrong").status_code == 422
    answer = browser.post("/sign-in", email=OWNER.title(), password=PASSWORD)
    assert answer.status_code == 429
    assert "Too many failed sign-ins in the last 15 minutes" in text(answer)
    for attempt in desk.rows(SignInAttempt):
        desk.change(SignInAttempt, attempt.id, created_at=clock.now() - timedelta(minutes=16))
    assert browser.post("/sign-in", email=OWNER, password=PASSWORD).status_code == 303


def test_a_stranger_cannot_lock_the_owner_out(desk: Desk) -> None:
    for _ in range(99):
        desk.add(SignInAttempt(email=OWNER, subject="try_1", reason="wrong password", ip="192.0.2.66"))
    assert desk.browser().post("/sign-in", email=OWNER, password=PASSWORD).status_code == 303
    desk.add(SignInAttempt(email=OWNER, subject="try_1", reason="wrong password", ip="192.0.2.67"))
    assert desk.browser().post("/sign-in", email=OWNER, password=PASSWORD).status_code == 429


def test_fifty_failures_from_an_address_close_it_for_a_while(desk: Desk) -> None:
    for number in range(50):
        desk.add(SignInAttempt(email=f"{number}@x.test", subject="nobody", reason="unknown e-mail", ip="testclient"))
    assert desk.browser().post("/sign-in", email=OWNER, password=PASSWORD).status_code == 429


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/users?q=kim", "/users?q=kim"),
        ("//evil.test", "/"),
        ("https://evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("/sign-out", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_only_pages_of_the_portal_follow(desk: Desk, wanted: str, goes: str) -> None:
    answer = desk.browser().post("/sign-in", email=OWNER, password=PASSWORD, next=wanted)
    assert answer.headers["location"] == goes


def test_who_is_not_signed_in_is_sent_to_the_door_and_back(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.get("/users?q=kim")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/users%3Fq%3Dkim")
    assert 'value="/users?q=kim"' in browser.get(answer.headers["location"]).text
    assert browser.get("/audit/").headers["location"] == "/sign-in?next=/audit/"
    assert browser.post("/organizations/new", name="x").headers["location"] == "/sign-in"


def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.signed_in()
    token = browser.client.cookies[COOKIE]
    assert browser.post("/sign-out").headers["location"] == "/sign-in?done=signed-out"
    browser.client.cookies.set(COOKIE, token)
    assert browser.get("/").status_code == 303
    assert browser.post("/sign-out").status_code == 303


@pytest.mark.parametrize("how", ["expired", "deactivated", "suspended", "removed"])
def test_a_session_ends_when_it_must(desk: Desk, how: str) -> None:
    organization = desk.organization()
    browser = desk.someone("admin", organization)
    user, session = desk.rows(UserSession)[0].user_id, desk.rows(UserSession)[0].id
    assert browser.get("/").status_code == 200
    if how == "expired":
        desk.change(UserSession, session, expires_at=clock.now() - timedelta(seconds=1))
    elif how == "suspended":
        desk.change(Organization, organization, status="suspended")
    else:
        action = {"deactivated": "deactivate", "removed": "remove"}[how]
        assert desk.signed_in().post(f"/users/{user}/{action}").status_code == 303
    assert browser.get("/").status_code == 303


def test_a_person_sees_and_ends_their_own_sessions_only(desk: Desk) -> None:
    one, two, other = desk.signed_in(), desk.signed_in(), desk.someone("admin")
    mine = [row for row in desk.rows(UserSession) if row.user_name == "Administrator"]
    assert one.get("/account").text.count("/end") == 1
    assert other.post(f"/account/sessions/{mine[1].id}/end").status_code == 404
    assert one.post(f"/account/sessions/{mine[1].id}/end").status_code == 303
    assert two.get("/").status_code == 303
    assert one.get("/").status_code == 200
    three = desk.signed_in()
    assert one.post("/account/sign-out-everywhere").status_code == 303
    assert (one.get("/").status_code, three.get("/").status_code) == (303, 303)
    assert other.get("/").status_code == 200


def test_changing_the_password_ends_the_other_sessions(desk: Desk) -> None:
    one, two = desk.signed_in(), desk.signed_in()
    bad = one.post("/account/password", current_password="wrong", new_password="another good one")
    assert (bad.status_code, "This is not your current password" in text(bad)) == (422, True)
    short = one.post("/account/password", current_password=PASSWORD, new_password="short")
    assert "The password has 5 characters. Use 10 to 256." in text(short)
    same = one.post("/account/password", current_password=PASSWORD, new_password=PASSWORD)
    assert "already have" in text(same)
    assert "short" not in short.text.replace('class="short"', "")
    assert one.post("/account/password", current_password=PASSWORD, new_password="another good one").status_code == 303
    assert one.get("/").status_code == 200
    assert two.get("/").status_code == 303
    desk.signed_in(password="another good one")


def test_a_one_time_password_must_be_changed_first(desk: Desk) -> None:
    desk.user("first@people.test", "owner", must_change_password=True)
    browser = desk.signed_in("first@people.test")
    for path in ("/", "/users", "/audit/", "/account"):
        assert browser.get(path).headers["location"] == "/account/password", path
    assert browser.post("/organizations/new", name="Sly", plan="free").headers["location"] == "/account/password"
    assert desk.rows(Organization) == []
    browser.post("/account/password", current_password=PASSWORD, new_password="my own password")
    assert browser.get("/").status_code == 200


def test_a_garbled_cookie_is_nobody(desk: Desk) -> None:
    browser = desk.browser()
    for cookie in (b"portal_session=x", b"portal_session=", b";;;=", b"portal_session=\xff\xfe", b"a" * 9000):
        assert browser.client.get("/", headers=[(b"cookie", cookie)]).status_code == 303, cookie


def test_a_user_deleted_while_signing_in_gets_no_session(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    user = desk.user("kim@people.test")
    matches = passwords.matches

    def slow(stored: str | None, password: str) -> bool:
        desk.change(User, user, status="deactivated")
        return matches(stored, password)

    monkeypatch.setattr(passwords, "matches", slow)
    assert WRONG in text(desk.browser().post("/sign-in", email="kim@people.test", password=PASSWORD))
    assert desk.rows(UserSession) == []
