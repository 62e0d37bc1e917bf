"""Each action of the portal against the entry it leaves in the audit log. No code of the portal writes one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from portal import clock
from portal.errors import NotFoundError
from portal.models import Configuration, License, User
from portal.services.account import reset_password
from tests.portal.northdesk import OWNER, PASSWORD, settings_form

if TYPE_CHECKING:
    from tests.portal.northdesk import Browser, Desk

LATER = (clock.today() + timedelta(days=900)).isoformat()


@pytest.fixture
def ids(desk: Desk) -> dict[str, str]:
    acme = desk.organization()
    kim = desk.user("kim@acme.test", "auditor", acme)
    today = clock.today()

    def license_(key: str, **values: Any) -> str:
        return desk.add(License(organization_id=acme, product="Vault", license_key=key, expires_on=today, **values))

    return {
        "acme": acme,
        "suspended": desk.organization("Gone", status="suspended"),
        "kim": kim,
        "lee": desk.user("lee@acme.test", "admin", acme),
        "off": desk.user("off@acme.test", "auditor", acme, status="deactivated"),
        "new": desk.user("new@acme.test", "auditor", acme, status="invited", invitation_expires_at=clock.now()),
        "free": license_("one"),
        "held": license_("two", assignee_id=kim),
        "platform": desk.platform().id,
        "override": desk.add(Configuration(organization_id=desk.organization("Own"))),
    }


# what is done, with which form; the actions it leaves; entity and operation of the first
ACTIONS = [
    ("/organizations/new", {"name": "Nova", "plan": "free"}, ["ORG_CREATED"], "Organization", "create"),
    ("/organizations/{acme}/name", {"name": "Acme AG"}, ["ORG_RENAMED"], "Organization", "update"),
    ("/organizations/{acme}/plan", {"plan": "team"}, ["ORG_PLAN_CHANGED"], "Organization", "update"),
    ("/organizations/{acme}/suspend", {}, ["ORG_SUSPENDED"], "Organization", "update"),
    ("/organizations/{suspended}/reactivate", {}, ["ORG_REACTIVATED"], "Organization", "update"),
    ("/organizations/{suspended}/delete", {}, ["ORG_DELETED"], "Organization", "delete"),
    (
        "/users/new",
        {"email": "nia@acme.test", "role": "admin", "organization_id": "{acme}"},
        ["USER_INVITED"],
        "User",
        "create",
    ),
    ("/users/{new}/resend", {}, ["USER_INVITATION_RESENT"], "User", "update"),
    ("/users/{kim}/name", {"name": "Kim H."}, ["USER_RENAMED"], "User", "update"),
    ("/users/{kim}/role", {"role": "admin"}, ["USER_ROLE_CHANGED"], "User", "update"),
    ("/users/{lee}/deactivate", {}, ["USER_DEACTIVATED"], "User", "update"),
    ("/users/{off}/reactivate", {}, ["USER_REACTIVATED"], "User", "update"),
    ("/users/{kim}/remove", {}, ["LICENSE_UNASSIGNED", "USER_REMOVED"], "License", "update"),
    ("/licenses/new", {"organization_id": "{acme}", "product": "Desk"}, ["LICENSE_ISSUED"], "License", "create"),
    ("/licenses/{free}/product", {"product": "Desk"}, ["LICENSE_UPDATED"], "License", "update"),
    ("/licenses/{free}/assign", {"assignee_id": "{kim}"}, ["LICENSE_ASSIGNED"], "License", "update"),
    ("/licenses/{held}/assign", {"assignee_id": "{lee}"}, ["LICENSE_REASSIGNED"], "License", "update"),
    ("/licenses/{held}/unassign", {}, ["LICENSE_UNASSIGNED"], "License", "update"),
    ("/licenses/{free}/renew", {"expires_on": LATER}, ["LICENSE_RENEWED"], "License", "update"),
    ("/licenses/{free}/revoke", {}, ["LICENSE_REVOKED"], "License", "update"),
    ("/licenses/{free}/delete", {}, ["LICENSE_DELETED"], "License", "delete"),
    (
        "/configuration/{platform}",
        settings_form(session_hours="8", support_email="help@acme.test"),
        ["CONFIG_SAVED"],
        "Configuration",
        "update",
    ),
    ("/configuration/new", settings_form(organization_id="{acme}"), ["CONFIG_SAVED"], "Configuration", "create"),
    ("/configuration/{override}/delete", {}, ["CONFIG_RESET"], "Configuration", "delete"),
    ("/sign-out", {}, ["USER_SIGNED_OUT"], "User", "sign_out"),
    (
        "/account/password",
        {"current_password": PASSWORD, "new_password": "another password"},
        ["USER_PASSWORD_CHANGED"],
        "User",
        "update",
    ),
]


def done(desk: Desk, browser: Browser, path: str, form: dict[str, str]) -> list[Any]:
    """The entries that one request leaves."""
    before = len(list(desk.entries()))
    answer = browser.post(path, **form)
    assert answer.status_code in (200, 303), answer.status_code
    return list(desk.entries())[before:]


@pytest.mark.parametrize("row", ACTIONS, ids=[row[0] for row in ACTIONS])
def test_each_action_leaves_exactly_its_entries(
    desk: Desk, ids: dict[str, str], row: tuple[str, dict[str, str], list[str], str, str]
) -> None:
    path, form, actions, entity, operation = row
    owner = desk.user_called(OWNER)
    typed = {key: value.format(**ids) for key, value in form.items()}
    entries = done(desk, desk.signed_in(), path.format(**ids), typed)
    assert [entry.action for entry in entries] == actions
    assert (entries[0].entity.type, entries[0].operation) == (entity, operation)
    for entry in entries:
        assert (entry.actor.type, entry.actor.id, entry.actor.email) == ("user", owner.id, OWNER)
        assert entry.context.source == "portal"
        assert entry.context.ip == "testclient"
        assert entry.context.user_agent == "testclient"
        assert entry.context.request_id
    assert len({entry.context.request_id for entry in entries}) == 1


def test_one_save_of_the_configuration_is_one_entry_with_only_what_changed(desk: Desk, ids: dict[str, str]) -> None:
    form = settings_form(session_hours="8", support_email="help@acme.test")
    (entry,) = done(desk, desk.signed_in(), f"/configuration/{ids['platform']}", form)
    assert entry.changes == {
        "session_hours": {"old": 12, "new": 8},
        "support_email": {"old": "support@northdesk.test", "new": "help@acme.test"},
    }


def test_saving_without_a_change_leaves_nothing(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.signed_in()
    assert done(desk, browser, f"/organizations/{ids['acme']}/name", {"name": "Acme"}) == []
    form = settings_form(support_email="support@northdesk.test")
    assert done(desk, browser, f"/configuration/{ids['platform']}", form) == []


def test_an_assignment_names_the_person_and_the_organization(desk: Desk, ids: dict[str, str]) -> None:
    (entry,) = done(desk, desk.signed_in(), f"/licenses/{ids['free']}/assign", {"assignee_id": ids["kim"]})
    change = entry.changes["assignee_id"]
    assert (change["old"], change["new"], change["new_name"]) == (None, ids["kim"], "Kim")
    assert (entry.organization.id, entry.organization.name) == (ids["acme"], "Acme")
    assert entry.entity.name == "Vault"


def test_signing_in_and_failing_to_are_entries_of_the_user(desk: Desk, ids: dict[str, str]) -> None:
    good = done(desk, desk.browser(), "/sign-in", {"email": "kim@acme.test", "password": PASSWORD})[0]
    assert (good.action, good.operation, good.outcome) == ("USER_SIGNED_IN", "sign_in", "success")
    assert (good.entity.type, good.entity.id, good.entity.name) == ("User", ids["kim"], "Kim")
    assert good.actor.id == ids["kim"]
    assert good.organization.id == ids["acme"]
    desk.browser().post("/sign-in", email="KIM@acme.test", password="wrong")
    bad = list(desk.entries())[-1]
    assert (bad.action, bad.operation, bad.outcome) == ("USER_SIGN_IN_FAILED", "sign_in", "failure")
    assert (bad.entity.id, bad.organization.id) == (ids["kim"], ids["acme"])
    assert (bad.actor.type, bad.actor.email) == ("unknown", "KIM@acme.test")


@pytest.mark.parametrize("typed", ["MySecretPassw0rd!", "nobody\0@x.test", "two words@x.test", "", "@", "a@b"])
def test_what_is_no_address_is_not_kept_it_might_be_a_password(desk: Desk, typed: str) -> None:
    desk.browser().post("/sign-in", email=typed, password="wrong")
    entry = list(desk.entries())[-1]
    assert (entry.action, entry.actor.email) == ("USER_SIGN_IN_FAILED", "(not an e-mail address)")
    assert not typed.strip("@") or typed not in str(entry)


def test_nobody_can_fail_under_the_name_or_id_of_another(desk: Desk, ids: dict[str, str]) -> None:
    desk.browser().post("/sign-in", email=ids["kim"], password="wrong")
    assert list(desk.entries())[-1].entity.id.startswith("try_")
    desk.browser().post("/sign-in", email="KIM@acme.test", password="wrong")
    assert list(desk.entries())[-1].entity.name == "Kim"


def test_a_wrong_current_password_is_an_entry_and_is_limited(desk: Desk) -> None:
    browser = desk.signed_in()
    wrong = {"current_password": "guess", "new_password": "another fine password"}
    for _ in range(10):
        assert browser.post("/account/password", **wrong).status_code == 422
    entry = list(desk.entries())[-1]
    assert (entry.action, entry.outcome, entry.actor.email) == ("USER_PASSWORD_CHANGE_FAILED", "failure", OWNER)
    assert browser.post("/account/password", **wrong | {"current_password": PASSWORD}).status_code == 429


def test_a_reset_password_works_once_is_an_entry_and_ends_sessions(desk: Desk) -> None:
    before = desk.signed_in()
    password = reset_password(desk.portal.database, OWNER.upper())
    entries = [entry for entry in desk.entries() if entry.actor.name == "portal reset"]
    assert {"USER_PASSWORD_CHANGED", "USER_SIGNED_OUT"} == {entry.action for entry in entries}
    assert before.get("/organizations").status_code == 303
    assert desk.signed_in(password=password).get("/organizations").headers["location"] == "/account/password"
    with pytest.raises(NotFoundError, match=r"No active user has the e-mail 'no@x\.test'"):
        reset_password(desk.portal.database, "no@x.test")


def test_accepting_an_invitation_is_the_guests_own_doing(desk: Desk) -> None:
    page = desk.signed_in().post("/users/new", email="nia@acme.test", role="auditor", organization_id="").text
    path = "/invitation/" + page.partition("/invitation/")[2][:43]
    accepted, signed_in = done(desk, desk.browser(), path, {"name": "Nia Poe", "password": "a fine password"})
    assert (accepted.action, signed_in.action) == ("USER_INVITATION_ACCEPTED", "USER_SIGNED_IN")
    assert (accepted.actor.name, accepted.actor.email) == ("Nia Poe", "nia@acme.test")


def test_deleting_an_organization_records_each_thing_that_goes_with_its_name(desk: Desk, ids: dict[str, str]) -> None:
    entries = done(desk, desk.signed_in(), f"/organizations/{ids['acme']}/delete", {})
    actions = [entry.action for entry in entries]
    assert sorted(actions) == sorted(["LICENSE_DELETED"] * 2 + ["USER_REMOVED"] * 4 + ["ORG_DELETED"])
    assert actions[-1] == "ORG_DELETED"
    assert {entry.organization.name for entry in entries} == {"Acme"}


def test_no_secret_reaches_the_log(desk: Desk, ids: dict[str, str]) -> None:
    browser = desk.signed_in()
    browser.post("/users/new", email="nia@acme.test", role="auditor", organization_id="")
    browser.post("/licenses/new", organization_id=ids["acme"], product="Desk")
    browser.post("/account/password", current_password=PASSWORD, new_password="another password")
    desk.audit.seal()
    log = b"\n".join(desk.audit.log.line(seq) for seq in range(desk.audit.log.head().size)).decode()
    secrets = [row.license_key for row in desk.licenses() if len(row.license_key) > 5]
    secrets += [value for row in desk.rows(User) for value in (row.password_hash, row.invitation_token_hash) if value]
    assert len(secrets) > 3
    assert [secret for secret in secrets if secret in log] == []


def test_a_scoped_auditor_reads_only_their_organizations_entries(desk: Desk, ids: dict[str, str]) -> None:
    desk.signed_in().post(f"/organizations/{ids['suspended']}/name", name="Hidden Ltd")
    desk.signed_in().post(f"/organizations/{ids['acme']}/name", name="Visible Ltd")
    desk.audit.seal()
    page = desk.signed_in("kim@acme.test").get("/audit/").text
    assert "Hidden Ltd" not in page
    assert "Visible Ltd" in page
