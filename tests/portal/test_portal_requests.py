"""What stands around every page: origin, headers, sizes, error pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from portal.models import Organization
from portal.services import organizations
from tests.portal.northdesk import OWNER, PASSWORD, text

if TYPE_CHECKING:
    from tests.portal.northdesk import Desk

REFUSED = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": "http://testserver.evil.test"},
    {"origin": "http://[bad"},
    {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
]
TAKEN = [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://testserver"}]


@pytest.mark.parametrize("headers", REFUSED)
def test_what_another_site_sends_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    browser = desk.signed_in()
    for path in ("/organizations/new", "/sign-out", "/audit/", "/sign-in"):
        answer = browser.client.post(path, data={"name": "Evil", "plan": "free"}, headers=headers)
        assert answer.status_code == 403, path
        assert "This was sent by another site." in text(answer)
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert desk.rows(Organization) == []
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("headers", TAKEN)
def test_what_the_portals_own_pages_send_is_taken(desk: Desk, headers: dict[str, str]) -> None:
    form = {"name": "Acme", "plan": "free"}
    assert desk.signed_in().client.post("/organizations/new", data=form, headers=headers).status_code == 303


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/audit/", "/healthz", "/static/portal.css"])
def test_every_answer_carries_the_security_headers(desk: Desk, path: str) -> None:
    headers = desk.signed_in().get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    if headers["content-type"].startswith("text/html"):
        assert headers["cache-control"] == "no-store"


def test_a_form_that_is_too_large_is_refused_before_it_is_read(desk: Desk) -> None:
    answer = desk.signed_in().post("/organizations/new", name="x" * (256 * 1024), plan="free")
    assert (answer.status_code, "A form may hold 256 KB" in text(answer)) == (413, True)


def test_a_body_that_is_no_form_is_refused(desk: Desk) -> None:
    answer = desk.signed_in().raw("/organizations/new", b'{"name": "Acme"}', "application/json")
    assert (answer.status_code, "Use the form on the page." in text(answer)) == (415, True)


def test_a_page_that_is_not_there_and_a_wrong_method_have_pages(desk: Desk) -> None:
    browser = desk.signed_in()
    assert browser.get("/nowhere").status_code == 404
    assert "Nothing here" in text(browser.get("/organizations/org_nowhere"))
    assert browser.get("/organizations/x/suspend").status_code == 405
    assert desk.browser().get("/nowhere").status_code == 404
    for odd in ("%00", "%ff", "%F0%9F%A6%8A", "a" * 3000):
        for kind in ("organizations", "users", "licenses", "configuration"):
            assert browser.get(f"/{kind}/{odd}").status_code == 404


def test_a_crash_is_a_page_and_saves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    create = organizations.create

    def breaks(*args: object) -> None:
        create(*args)  # type: ignore[arg-type]
        raise RuntimeError("boom")

    monkeypatch.setattr(organizations, "create", breaks)
    answer = desk.signed_in().post("/organizations/new", name="Acme", plan="free")
    assert answer.status_code == 500
    assert "Nothing was saved. Try again" in text(answer)
    assert re.search(r"Request number [0-9a-f]{16}", text(answer))
    assert "boom" not in answer.text
    assert "boom" in caplog.text
    assert desk.rows(Organization) == []


PAGES = ["/", "/organizations", "/organizations/new", "/users", "/users/new", "/licenses", "/licenses/new", "/account"]
PAGES += ["/configuration", "/configuration/new", "/account/password", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_title_one_heading_a_language_and_captions(desk: Desk, path: str) -> None:
    desk.organization()
    page = desk.signed_in().get(path).text
    assert '<html lang="en">' in page
    assert re.search(r"<title>[^<]+ · Northdesk</title>", page)
    assert page.count("<h1>") == 1
    assert page.count("<table") == page.count("<caption")
    assert 'href="#main"' in page
    assert "<script" not in page
    assert "style=" not in page
    labels = set(re.findall(r'<label [^>]*for="([^"]+)"', page))
    shown = re.findall(r"<(?:input|select|textarea)\b(?![^>]*(?:hidden|aria-label))[^>]*>", page)
    assert {name for field in shown for name in re.findall(r' id="([^"]+)"', field)} <= labels


def test_a_request_has_one_name_in_the_answer_and_in_the_log(desk: Desk) -> None:
    browser = desk.signed_in()
    answers = [
        browser.post("/organizations/new", name="Acme", plan="free"),
        browser.get("/audit/export?format=json"),
        desk.browser().post("/sign-in", email=OWNER, password=PASSWORD + "x"),
    ]
    entries = list(desk.entries())[-3:]
    assert [entry.action for entry in entries] == ["ORG_CREATED", "AUDIT_EXPORTED", "USER_SIGN_IN_FAILED"]
    assert [entry.context.request_id for entry in entries] == [answer.headers["x-request-id"] for answer in answers]
    assert {(entry.context.ip, entry.context.user_agent) for entry in entries} == {("testclient", "testclient")}


def test_health_is_open_and_says_ok(desk: Desk) -> None:
    answer = desk.browser().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_health_is_503_when_the_audit_log_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.audit, "health", lambda: {"status": "failing"})
    assert desk.browser().get("/healthz").status_code == 503


def test_the_audit_log_stands_in_the_portals_frame(desk: Desk) -> None:
    answer = desk.signed_in().get("/audit/")
    assert answer.status_code == 200
    assert 'href="/audit/" aria-current="page"' in answer.text
    assert "Sign out" in text(answer)


def test_secrets_are_never_shown_again(desk: Desk) -> None:
    answer = desk.browser().post("/sign-in", email=OWNER, password=PASSWORD + "x")
    assert PASSWORD not in answer.text


def test_a_notice_is_one_of_ours(desk: Desk) -> None:
    page = desk.browser().get(f"/sign-in?done={quote('<b>Your account is blocked')}").text
    assert "blocked" not in page
