"""Who may do what: each role against each action, and every page against another organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from portal.access import PLATFORM_ACTIONS, Action, Person, require
from portal.errors import ForbiddenError, NotFoundError
from portal.models import Configuration, License, Organization, User
from tests.portal.northdesk import settings_form, text

if TYPE_CHECKING:
    from tests.portal.northdesk import Desk

OWNERS_ONLY = {Action.MANAGE_OWNERS, Action.INVITE_WHEN_SWITCHED_OFF}
SCOPED_ADMIN = {
    Action.VIEW,
    Action.RENAME_ORGANIZATION,
    Action.INVITE_USER,
    Action.RENAME_USER,
    Action.CHANGE_ROLE,
    Action.DEACTIVATE_USER,
    Action.REMOVE_USER,
    Action.MANAGE_LICENSES,
    Action.MANAGE_WEBHOOKS,
    Action.SEE_LICENSE_KEYS,
    Action.SAVE_CONFIGURATION,
}
EXPECTED = [
    ("owner", None, set(Action)),
    ("admin", None, set(Action) - OWNERS_ONLY),
    ("admin", "org_1", SCOPED_ADMIN),
    ("auditor", None, {Action.VIEW}),
    ("auditor", "org_1", {Action.VIEW}),
]


def person(role: str, organization: str | None) -> Person:
    return Person(id="u_1", name="Kim", email="kim@acme.test", role=role, organization_id=organization)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(("role", "organization", "allowed"), EXPECTED)
def test_each_role_may_do_exactly_this(
    role: str, organization: str | None, allowed: set[Action], action: Action
) -> None:
    assert person(role, organization).may(action) == (action in allowed)
    if action in allowed:
        require(person(role, organization), action, organization)
    else:
        with pytest.raises(ForbiddenError, match=f"As {role}.* you may not {action.value}"):
            require(person(role, organization), action, organization)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_outside_the_own_organization_nothing_exists(role: str, action: Action) -> None:
    for elsewhere in ("org_2", None):
        with pytest.raises(NotFoundError):
            require(person(role, "org_1"), action, elsewhere)


def test_the_platform_actions_are_part_of_the_actions() -> None:
    assert set(Action) > PLATFORM_ACTIONS


@pytest.fixture
def ids(desk: Desk) -> dict[str, str]:
    """Something of every kind, in an organization and in another one."""
    made: dict[str, str] = {}
    for key in ("mine", "other"):
        organization = made[key] = desk.organization(key.title())
        made[f"{key}_user"] = desk.user(f"{key}@people.test", "auditor", organization)
        made[f"{key}_config"] = desk.add(Configuration(organization_id=organization))
        made[f"{key}_license"] = desk.add(
            License(
                organization_id=organization,
                product=f"{key} desk",
                license_key=key,
                expires_on=desk.platform().updated_at.date(),
            )
        )
    made["platform_user"] = desk.user("platform@people.test", "auditor")
    made["platform_config"] = desk.platform().id
    return made


PAGES = ["/organizations/{}", "/users/{}_user", "/licenses/{}_license", "/configuration/{}_config"]
ACTS = [
    ("/organizations/{}/name", {"name": "Taken"}),
    ("/organizations/{}/plan", {"plan": "team"}),
    ("/organizations/{}/suspend", {}),
    ("/organizations/{}/reactivate", {}),
    ("/organizations/{}/delete", {}),
    ("/users/{}_user/name", {"name": "Taken"}),
    ("/users/{}_user/role", {"role": "admin"}),
    ("/users/{}_user/resend", {}),
    ("/users/{}_user/deactivate", {}),
    ("/users/{}_user/reactivate", {}),
    ("/users/{}_user/remove", {}),
    ("/licenses/{}_license/product", {"product": "Taken"}),
    ("/licenses/{}_license/assign", {"assignee_id": "x"}),
    ("/licenses/{}_license/unassign", {}),
    ("/licenses/{}_license/renew", {"expires_on": "2030-01-01"}),
    ("/licenses/{}_license/revoke", {}),
    ("/licenses/{}_license/delete", {}),
    ("/configuration/{}_config", settings_form(session_hours="99")),
    ("/configuration/{}_config/delete", {}),
]


def address(pattern: str, whose: str, ids: dict[str, str]) -> str:
    _, kind, name, *rest = pattern.format(whose).split("/")
    return "/".join(["", kind, ids[name], *rest])


def snapshot(desk: Desk) -> list[dict[str, object]]:
    return [
        {column.name: getattr(row, column.name) for column in model.__table__.columns}
        for model in (Organization, User, License, Configuration)
        for row in desk.rows(model)
    ]


def test_another_organizations_things_answer_404_and_stay_as_they_are(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.someone("admin", ids["mine"])
    before = snapshot(desk)
    for pattern in PAGES:
        assert browser.get(address(pattern, "mine", ids)).status_code == 200, pattern
        assert browser.get(address(pattern, "other", ids)).status_code == 404, pattern
    for pattern, form in ACTS:
        assert browser.post(address(pattern, "other", ids), **form).status_code == 404, pattern
    for path in ("/users/platform_user", "/configuration/platform_config"):
        assert browser.get(address(path, "", ids)).status_code == 404, path
    assert snapshot(desk) == before


def test_an_auditor_sees_everything_and_changes_nothing(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.someone("auditor")
    before = snapshot(desk)
    for pattern in [*PAGES, "/organizations", "/users", "/licenses", "/configuration", "/"]:
        path = address(pattern, "mine", ids) if "{" in pattern else pattern
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "Sign out" in text(answer)
        assert answer.text.count('method="post"') - ("disabled" in answer.text) == 1, f"{path} offers a change"
    for pattern, form in ACTS:
        answer = browser.post(address(pattern, "mine", ids), **form)
        assert answer.status_code == 403, pattern
        assert "As auditor you may not" in text(answer)
    for path in ("/organizations/new", "/users/new", "/licenses/new", "/configuration/new"):
        assert browser.get(path).status_code == 403, path
        assert browser.post(path, name="x", plan="free").status_code == 403, path
    assert snapshot(desk) == before


def test_a_scoped_admin_may_not_touch_what_concerns_the_platform(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.someone("admin", ids["mine"])
    for path in ("plan", "suspend", "reactivate", "delete"):
        assert browser.post(f"/organizations/{ids['mine']}/{path}", plan="team").status_code == 403, path
    assert browser.post("/organizations/new", name="Mine too", plan="free").status_code == 403
    assert browser.post(f"/organizations/{ids['mine']}/name", name="Mine GmbH").status_code == 303


def test_lists_show_a_scoped_person_only_their_organization(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.someone("auditor", ids["mine"])
    for path in ("/organizations", "/users", "/licenses", "/", "/configuration", "/users?q=other", "/licenses?q=other"):
        page = browser.get(path)
        assert page.status_code == 200
        assert ids["other"] not in page.text, path
        assert "Other" not in page.text, path
        assert "platform@people.test" not in page.text, path


def test_a_platform_admin_may_not_manage_owners(desk: Desk) -> None:
    browser = desk.someone("admin")
    owner = next(user.id for user in desk.rows(User) if user.role == "owner")
    for path, form in (("role", {"role": "auditor"}), ("deactivate", {}), ("remove", {}), ("name", {"name": "Me"})):
        assert browser.post(f"/users/{owner}/{path}", **form).status_code == 403, path
    answer = browser.post("/users/new", email="new@people.test", role="owner", organization_id="")
    assert answer.status_code == 422
    assert "is not on offer" in text(answer)


def test_a_right_that_was_taken_away_is_gone_at_once(desk: Desk) -> None:
    browser = desk.someone("admin")
    user = desk.user_called("admin-platform@people.test")
    assert browser.get("/organizations/new").status_code == 200
    desk.change(User, user.id, role="auditor")
    assert browser.get("/organizations/new").status_code == 403


def test_an_auditor_does_not_see_license_keys(desk: Desk, ids: dict[str, str]) -> None:
    desk.change(License, ids["mine_license"], license_key="NDSK-SECRET")
    assert "NDSK-SECRET" not in desk.someone("auditor", ids["mine"]).get(f"/licenses/{ids['mine_license']}").text
    assert "NDSK-SECRET" in desk.someone("admin", ids["mine"]).get(f"/licenses/{ids['mine_license']}").text
