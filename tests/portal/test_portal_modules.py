"""Organizations, users, licenses and configuration: what each promises."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from portal import clock
from portal.access import Person
from portal.errors import RefusedError
from portal.models import Configuration, License, Organization, User, UserSession
from portal.services import users
from portal.services.lists import PAGE_SIZE
from tests.portal.northdesk import OWNER, PASSWORD, settings_form, text

if TYPE_CHECKING:
    from tests.portal.northdesk import Browser, Desk


@pytest.fixture
def browser(desk: Desk) -> Browser:
    return desk.signed_in()


def issue(desk: Desk, browser: Browser, organization: str, product: str = "Vault", expires_on: str = "") -> License:
    form = {"organization_id": organization, "product": product, "expires_on": expires_on}
    answer = browser.post("/licenses/new", **form)
    assert answer.status_code == 303, text(answer)
    license_id = answer.headers["location"].removeprefix("/licenses/").partition("?")[0]
    found: License = desk.row(License, license_id)
    return found


def test_an_organization_lives_from_creation_to_deletion(desk: Desk, browser: Browser) -> None:
    answer = browser.post("/organizations/new", name="  Acme <script>🦊 ", plan="team")
    page = answer.headers["location"].partition("?")[0]
    assert "Acme <script>🦊" in text(browser.get(page))
    for path, form in (
        ("name", {"name": "=cmd()"}),
        ("plan", {"plan": "business"}),
        ("suspend", {}),
        ("reactivate", {}),
    ):
        assert browser.post(f"{page}/{path}", **form).status_code == 303
    (row,) = desk.rows(Organization)
    assert (row.name, row.plan, row.status) == ("=cmd()", "business", "active")
    assert browser.post(f"{page}/delete").headers["location"] == "/organizations?done=deleted"
    assert desk.rows(Organization) == []
    assert browser.get(page).status_code == 404


def test_suspending_twice_is_refused(desk: Desk, browser: Browser) -> None:
    page = f"/organizations/{desk.organization(status='suspended')}"
    answer = browser.post(f"{page}/suspend")
    assert (answer.status_code, "Acme is already suspended." in text(answer)) == (409, True)


def test_deleting_an_organization_says_what_goes_with_it_and_takes_it(desk: Desk, browser: Browser) -> None:
    organization, kept = desk.organization(), desk.organization("Kept")
    desk.user("kim@acme.test", "admin", organization)
    desk.signed_in("kim@acme.test")
    desk.user("lee@acme.test", "auditor", organization)
    desk.user("max@kept.test", "auditor", kept)
    for product in ("Vault", "Vault", "Desk"):
        issue(desk, browser, organization, product)
    issue(desk, browser, kept)
    desk.add(Configuration(organization_id=organization))
    page = text(browser.get(f"/organizations/{organization}/delete"))
    for promise in ("2 users : Kim, Lee", "3 licenses : Desk, 2 × Vault", "its own settings", "cannot be undone"):
        assert promise in page
    browser.post(f"/organizations/{organization}/delete")
    assert {row.email for row in desk.rows(User)} == {OWNER, "max@kept.test"}
    assert [row.organization_id for row in desk.licenses()] == [kept]
    assert [row.organization_id for row in desk.rows(Configuration)] == [None]
    assert [row.user_name for row in desk.rows(UserSession)] == ["Administrator"]


def test_a_list_is_newest_first_and_paged_without_loss(desk: Desk, browser: Browser) -> None:
    moment = clock.now()
    rows = [
        {"id": f"org_{number:03}", "name": f"Nr {number}", "created_at": moment + timedelta(seconds=number // 3)}
        for number in range(PAGE_SIZE * 2 + 7)
    ]
    with desk.portal.database.writing() as db:
        db.execute(insert(Organization), rows)
        db.commit()
    seen: list[str] = []
    path = "/organizations"
    while path:
        page = browser.get(path).text
        seen += re.findall(r'href="/organizations/org_(\d+)"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(older.group(1)) if older else ""
    assert seen == [f"{number:03}" for number in reversed(range(len(rows)))]
    assert browser.get("/organizations?before=nonsense").status_code == 200


def test_search_ignores_case_also_beyond_ascii_and_takes_wildcards_literally(desk: Desk, browser: Browser) -> None:
    desk.organization("École Nord")
    desk.organization("100% Süd_Ost")
    assert "École Nord" in text(browser.get("/organizations?q=éCOLE"))
    for wildcard in ("%25", "_"):
        page = text(browser.get(f"/organizations?q={wildcard}"))
        assert ("Süd" in page, "École" in page) == (True, False)
    assert "No organizations match “zzz”." in text(browser.get("/organizations?q=zzz"))
    assert browser.get("/users?q=%00%ff%0a").status_code == 200
    assert browser.get(f"/licenses?q={'x' * 5000}").status_code == 200


def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    assert "No organizations yet. Create the first one." in text(browser.get("/organizations"))
    assert "there is none yet. Create one first." in text(browser.get("/licenses/new"))


def test_a_user_is_renamed_promoted_deactivated_reactivated_and_removed(desk: Desk, browser: Browser) -> None:
    user = desk.user("kim@acme.test", "auditor")
    theirs = desk.signed_in("kim@acme.test")
    page = f"/users/{user}"
    for path, form in (
        ("name", {"name": "Kim H."}),
        ("role", {"role": "admin"}),
        ("deactivate", {}),
        ("reactivate", {}),
    ):
        assert browser.post(f"{page}/{path}", **form).status_code == 303
    row = desk.row(User, user)
    assert (row.name, row.role, row.status) == ("Kim H.", "admin", "active")
    assert theirs.get("/").status_code == 303, "a reactivated user signs in anew"
    assert browser.post(f"{page}/remove").status_code == 303
    assert desk.row(User, user) is None


def test_removing_a_user_says_which_licenses_become_free_and_frees_them(desk: Desk, browser: Browser) -> None:
    organization = desk.organization()
    user = desk.user("kim@acme.test", "auditor", organization)
    license_ = issue(desk, browser, organization)
    browser.post(f"/licenses/{license_.id}/assign", assignee_id=user)
    assert "1 license becomes free: Vault" in text(browser.get(f"/users/{user}/remove"))
    browser.post(f"/users/{user}/remove")
    assert desk.row(License, license_.id).assignee_id is None


@pytest.mark.parametrize(("path", "form"), [("deactivate", {}), ("remove", {}), ("role", {"role": "admin"})])
def test_nobody_shuts_themselves_out(desk: Desk, browser: Browser, path: str, form: dict[str, str]) -> None:
    me = desk.user_called(OWNER).id
    answer = browser.post(f"/users/{me}/{path}", **form)
    assert (answer.status_code, "This is yourself." in text(answer)) == (409, True)
    assert desk.user_called(OWNER).status == "active"


def test_the_last_active_owner_cannot_go(desk: Desk) -> None:
    """Two owners at the same moment: whoever comes second finds the other one gone."""
    first = desk.user_called(OWNER)
    other = Person(id="u_gone", name="Gone", email="", role="owner", organization_id=None)
    desk.user("off@northdesk.test", "owner", status="deactivated")
    with desk.portal.database.writing() as db:
        for act in (users.deactivate, users.remove):
            with pytest.raises(RefusedError, match="Administrator is the last active owner"):
                act(db, other, first.id)
        with pytest.raises(RefusedError, match="last active owner"):
            users.change_role(db, other, first.id, "admin")


def test_an_organizations_user_cannot_become_owner(desk: Desk, browser: Browser) -> None:
    user = desk.user("kim@acme.test", "admin", desk.organization())
    answer = browser.post(f"/users/{user}/role", role="owner")
    assert "An owner is platform-wide" in text(answer)


def test_a_license_lives_from_issue_to_deletion(desk: Desk, browser: Browser) -> None:
    organization = desk.organization()
    kim, lee = (desk.user(f"{name}@acme.test", "auditor", organization) for name in ("kim", "lee"))
    license_ = issue(desk, browser, organization)
    page, later = f"/licenses/{license_.id}", (license_.expires_on + timedelta(days=30)).isoformat()
    steps = [("product", {"product": "Vault 2"}), ("assign", {"assignee_id": kim}), ("assign", {"assignee_id": lee})]
    steps += [("unassign", {}), ("renew", {"expires_on": later}), ("revoke", {})]
    for path, form in steps:
        assert browser.post(f"{page}/{path}", **form).status_code == 303, path
    row = desk.row(License, license_.id)
    assert (row.product, row.assignee_id, row.status, str(row.expires_on)) == ("Vault 2", None, "revoked", later)
    for path, form in (("revoke", {}), ("renew", {"expires_on": "2099-01-01"}), ("assign", {"assignee_id": kim})):
        assert browser.post(f"{page}/{path}", **form).status_code == 409, path
    assert browser.post(f"{page}/delete").status_code == 303
    assert desk.licenses() == []


def test_a_license_goes_only_to_people_of_its_organization(desk: Desk, browser: Browser) -> None:
    license_ = issue(desk, browser, desk.organization())
    stranger = desk.user("max@other.test", "auditor", desk.organization("Other"))
    answer = browser.post(f"/licenses/{license_.id}/assign", assignee_id=stranger)
    assert (answer.status_code, "not in the license's organization" in text(answer)) == (409, True)


@pytest.mark.parametrize(
    "day", ["2020-01-01", "9999-12-31", "2026-02-30", "tomorrow", "0000-00-00", "２０３０-01-01", "1e9"]
)
def test_an_absurd_day_is_refused_and_kept(desk: Desk, browser: Browser, day: str) -> None:
    answer = browser.post("/licenses/new", organization_id=desk.organization(), product="Vault", expires_on=day)
    assert answer.status_code == 422
    assert f'value="{day}"' in answer.text
    assert 'id="expires_on-error"' in answer.text
    assert desk.licenses() == []


def test_each_setting_has_its_effect(desk: Desk, browser: Browser) -> None:
    organization = desk.organization()
    form = settings_form(
        session_hours="2", license_term_days="10", support_email="help@acme.test", sign_in_notice="Closed <today>"
    )
    assert browser.post(f"/configuration/{desk.platform().id}", **form).status_code == 303
    door = text(desk.browser().get("/sign-in"))
    assert "Closed <today>" in door
    assert "help@acme.test" in door
    answer = desk.browser().post("/sign-in", email=OWNER, password=PASSWORD)
    assert "Max-Age=7200" in answer.headers["set-cookie"]
    assert issue(desk, browser, organization).expires_on == clock.today() + timedelta(days=10)


def test_an_override_holds_for_its_organization_and_can_be_deleted(desk: Desk, browser: Browser) -> None:
    organization, other = desk.organization(), desk.organization("Other")
    form = settings_form(license_term_days="30", session_hours="1", sign_in_notice="Acme only")
    answer = browser.post("/configuration/new", organization_id=organization, **form)
    page = answer.headers["location"].partition("?")[0]
    again = browser.post("/configuration/new", organization_id=organization, **form)
    assert (again.status_code, "already has its own settings" in text(again)) == (409, True)
    today: date = clock.today()
    assert issue(desk, browser, organization).expires_on == today + timedelta(days=30)
    assert issue(desk, browser, other).expires_on == today + timedelta(days=365)
    theirs = desk.someone("admin", organization)
    assert "Acme only" in text(theirs.get("/"))
    assert "Acme only" not in text(browser.get("/"))
    assert "licenses run 365 days (now 30)" in text(browser.get(f"{page}/delete"))
    assert browser.post(f"{page}/delete").status_code == 303
    assert issue(desk, browser, organization).expires_on == today + timedelta(days=365)


def test_the_platforms_configuration_cannot_be_deleted(desk: Desk, browser: Browser) -> None:
    answer = browser.post(f"/configuration/{desk.platform().id}/delete")
    assert (answer.status_code, "every organization rests on" in text(answer)) == (409, True)


def test_a_wrong_setting_is_named_and_nothing_is_saved(desk: Desk, browser: Browser) -> None:
    form = settings_form(session_hours="0", invitation_days="x", license_term_days="99999999999999", support_email="no")
    answer = browser.post(f"/configuration/{desk.platform().id}", **form)
    assert answer.status_code == 422
    for name in ("session_hours", "invitation_days", "license_term_days", "support_email"):
        assert f'id="{name}-error"' in answer.text
        assert f'href="#{name}"' in answer.text
        assert f'value="{form[name]}"' in answer.text
    assert desk.platform().session_hours == 12


def test_the_overview_counts_and_warns(desk: Desk, browser: Browser) -> None:
    organization = desk.organization()
    issue(desk, browser, organization, "Soon", (clock.today() + timedelta(days=5)).isoformat())
    issue(desk, browser, organization, "Later", (clock.today() + timedelta(days=50)).isoformat())
    browser.post("/users/new", email="kim@acme.test", role="auditor", organization_id="")
    page = text(browser.get("/"))
    for promise in ("1 organization", "1 active user", "2 active licenses", "Soon", "in 5 days", "kim@acme.test"):
        assert promise in page
    assert "Later" not in page
