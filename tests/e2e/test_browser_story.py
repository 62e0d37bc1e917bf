"""The story the product exists for, in a real browser: change something, find who did it, take the proof away."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.desk import OWNER, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.e2e.desk import Desk, Entry

pytestmark = pytest.mark.browser

WITH_AND_WITHOUT_JAVASCRIPT = pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "no-javascript"])


@pytest.fixture
def open_page(desk: Desk, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a window with cookies of its own."""
    contexts = []

    def open_one(*, javascript: bool = True) -> Page:
        context = browser.new_context(base_url=desk.url, java_script_enabled=javascript)
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@dataclass
class AuditPage:
    """The audit page as a reader uses it."""

    page: Page

    def open(self) -> AuditPage:
        self.page.get_by_role("link", name="Audit log", exact=True).first.click()
        expect(self.page.get_by_role("heading", name="Audit log")).to_be_visible()
        return self

    def search(self, text: str, since: str = "", until: str = "") -> list[int]:
        """Types, presses Enter, and gives the numbers of the entries then shown."""
        for label, typed in (("From", since), ("To", until), ("Search", text)):
            self.page.locator(".audit-search").get_by_label(label).fill(typed)
        self.replaced(lambda: self.page.locator(".audit-search").get_by_label("Search").press("Enter"))
        return self.shown()

    def replaced(self, act: Callable[[], object]) -> None:
        """Waits until the list is another one, whether htmx or the browser brings it."""
        self.page.locator("#audit").evaluate("element => element.setAttribute('data-old', '')")
        act()
        expect(self.page.locator("#audit:not([data-old])")).to_be_visible()

    def shown(self) -> list[int]:
        rows = self.page.locator("tbody.audit-entry")
        return [int(row.get_attribute("id")[1:]) for row in rows.all()]  # type: ignore[index]  # each has one

    def row(self, seq: int) -> Locator:
        return self.page.locator(f"#e{seq}")

    def unfold(self, seq: int) -> dict[str, tuple[str, ...]]:
        """Opens the row; gives what it then says of each field: the old value, the new value."""
        link = self.row(seq).get_by_role("link", name="Show what changed")
        link.click()
        expect(self.row(seq).get_by_role("link", name="Hide what changed")).to_have_attribute("aria-expanded", "true")
        lines = self.row(seq).locator(".audit-changes tbody tr").all()
        return {line.locator("th").inner_text(): tuple(line.locator("td").all_inner_texts()) for line in lines}

    def download(self, name: str, tmp_path: Path) -> str:
        choice = self.page.locator(".audit-export").get_by_role("radio", name=name)
        if not choice.is_visible():
            self.page.locator(".audit-export summary").first.click()
        choice.check()
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name="Download").click()
        path = tmp_path / started.value.suggested_filename
        started.value.save_as(path)
        return path.read_text("utf-8-sig")


def sign_in(page: Page, email: str = OWNER, password: str = PASSWORD) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def press(page: Page, link: str, button: str, fields: dict[str, str]) -> None:
    """Follows a link, fills in the form it leads to, and sends it."""
    page.get_by_role("link", name=link).click()
    for label, value in fields.items():
        field = page.get_by_label(label, exact=True)
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    page.get_by_role("button", name=button).click()


@WITH_AND_WITHOUT_JAVASCRIPT
def test_what_an_admin_does_in_the_portal_is_found_read_and_taken_away_on_the_audit_page(
    open_page: Callable[..., Page], desk: Desk, tmp_path: Path, *, javascript: bool
) -> None:
    page = open_page(javascript=javascript)
    word = "harbor" if javascript else "lantern"
    name, person = f"{word.title()} Works", f"kit@{word}.test"
    begun = datetime.now(UTC).isoformat()

    sign_in(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("link", name="Organizations", exact=True).click()
    press(page, "New organization", "Create organization", {"Name": name, "Plan": "Free"})
    page.get_by_label("Plan").select_option(label="Business")
    page.get_by_role("button", name="Save plan").click()
    page.get_by_role("link", name="Users", exact=True).first.click()
    press(page, "Invite user", "Invite", {"E-mail": person, "Organization": name, "Role": "Admin"})
    page.get_by_role("link", name="Licenses", exact=True).click()
    press(page, "Issue license", "Issue license", {"Organization": name, "Product": f"{word} seat"})
    page.get_by_label("Assign to").select_option(label=person)
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("License assigned.")).to_be_visible()
    page.get_by_role("link", name="Configuration").click()
    press(page, "New override", "Create override", {"Organization": name})
    page.get_by_label("Hours a sign-in lasts").fill("9")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    audit = AuditPage(page).open()
    user = next(entry for entry in desk.settled(person) if entry["action"] == "USER_INVITED")["entity"]["id"]
    for typed, action, field, sides in [
        (f"{word} works org_created", "ORG_CREATED", "name", (name,)),
        (f"{word} plan_changed", "ORG_PLAN_CHANGED", "plan", ("free", "business")),
        (f"entity:{person.upper()}", "USER_INVITED", "email", (person,)),
        (f'"{word} seat" assigned', "LICENSE_ASSIGNED", "assignee_id", ("empty", f"{person} {user}")),
        (f"org:{word} entity:Configuration", "CONFIG_SAVED", "session_hours", ("12", "9")),
    ]:
        newest = audit.search(typed, since=begun)[0]
        row = audit.row(newest)
        expect(row.locator(".audit-action")).to_have_text(action)
        assert audit.unfold(newest)[field] == sides
        expect(row.locator(".audit-who")).to_have_text(f"Administrator{OWNER}")
        expect(row.locator(".audit-facts")).to_contain_text(f"Administrator <{OWNER}> (user u_")

    typed = f"org:{word} -entity:Configuration user:owner@"
    ended = datetime.now(UTC).isoformat()
    page.get_by_role("link", name="Users", exact=True).first.click()
    press(page, "Invite user", "Invite", {"E-mail": f"late@{word}.test", "Organization": name, "Role": "Admin"})
    wanted = [entry for entry in desk.settled() if meant(entry, name, begun, ended)]
    actions = ["ORG_CREATED", "ORG_PLAN_CHANGED", "USER_INVITED", "LICENSE_ISSUED", "LICENSE_ASSIGNED"]
    assert [entry["action"] for entry in wanted] == actions
    audit.open()
    assert audit.search(typed, since=begun, until=ended) == [entry["seq"] for entry in reversed(wanted)]
    expect(page.get_by_role("status")).to_have_text("5 entries found")
    assert json.loads(audit.download("JSON one array", tmp_path)) == wanted
    rows = list(csv.DictReader(audit.download("CSV safe", tmp_path).splitlines()))
    assert [{**row, "changes": json.loads(row["changes"])} for row in rows] == [flat(entry) for entry in wanted]
    exports = desk.settled("audit_exported")[-2:]
    assert [entry["metadata"]["format"] for entry in exports] == ["json", "csv"]
    assert {(entry["actor"]["email"], entry["metadata"]["query"]) for entry in exports} == {(OWNER, typed)}


def meant(entry: Entry, organization: str, since: str, until: str) -> bool:
    """What the search of the story says, in other words than the product's."""
    at = datetime.fromisoformat(entry["occurred_at"])
    return (
        (entry["organization"] or {}).get("name") == organization
        and entry["entity"]["type"] != "Configuration"
        and (entry["actor"]["email"] or "").startswith("owner@")
        and datetime.fromisoformat(since) <= at < datetime.fromisoformat(until)
    )


def flat(entry: Entry) -> dict[str, Any]:
    """The CSV row of an entry."""
    plain = ("id", "occurred_at", "action", "operation", "outcome", "reason", "changes")
    row = {key: entry[key] or "" for key in plain}
    row["seq"] = str(entry["seq"])
    for group, keys in (("actor", "type id name email"), ("entity", "type id name"), ("organization", "id name")):
        row |= {f"{group}_{key}": entry[group][key] or "" for key in keys.split()}
    context = ("source", "ip", "user_agent", "request_id", "transaction_id")
    row |= {"on_behalf_of": "", "metadata": json.dumps(entry["metadata"]) if entry["metadata"] else ""}
    return row | {key: entry["context"].get(key, "") for key in context}


@WITH_AND_WITHOUT_JAVASCRIPT
def test_an_auditor_of_one_organization_sees_its_entries_and_no_others(
    open_page: Callable[..., Page], desk: Desk, tmp_path: Path, *, javascript: bool
) -> None:
    word = "quarry" if javascript else "meadow"
    email = f"vera@{word}.test"
    with desk.signed_in() as owner:
        own = owner.organization(f"{word.title()} Ltd")
        other = owner.organization(f"Beside {word.title()}")
        link = owner.invite(email, "auditor", own)
    page = open_page(javascript=javascript)
    page.goto(link)
    page.get_by_label("Your name").fill("Vera Moss")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Accept invitation").click()
    expect(page.get_by_text("Your account is ready.")).to_be_visible()

    audit = AuditPage(page).open()
    mine = [entry["seq"] for entry in desk.settled() if (entry["organization"] or {}).get("id") == own]
    others = [entry["seq"] for entry in desk.settled() if (entry["organization"] or {}).get("id") != own]
    assert audit.shown() == mine[::-1]
    assert audit.search(word) == mine[::-1]
    for typed in (other, "globex", "acme", f"-user:{email} org:{other}", "first-start"):
        assert audit.search(typed) == []
        expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    assert set(audit.search("-zzz")) <= set(mine), "what is excluded brings nothing in"
    for path, status in ((f"/audit/entry/{mine[0]}", 200), (f"/audit/entry/{others[0]}", 404)):
        answer = page.goto(path)
        assert answer
        assert answer.status == status
    for fold in ("open", "closed"):
        assert page.request.get(f"/audit/entry/{others[-1]}?row={fold}").status == 404
    assert page.request.get("/audit/checkpoint").status == 404, "its size would tell of the others"

    audit.open()
    audit.search("")
    exported = json.loads(audit.download("JSON one array", tmp_path))
    assert [entry["seq"] for entry in exported][: len(mine)] == mine
    assert {entry["organization"]["id"] for entry in exported} == {own}
    rows = list(csv.DictReader(audit.download("CSV safe", tmp_path).splitlines()))
    assert {row["organization_id"] for row in rows} == {own}
    assert desk.settled(f"user:{email} action:AUDIT_EXPORTED")[0]["organization"]["id"] == own


def test_an_auditor_is_refused_every_change(open_page: Callable[..., Page], desk: Desk) -> None:
    with desk.signed_in() as owner:
        own = owner.organization("Timber Yard")
        license_ = owner.license(own, "Saw")
        desk.accept(owner.invite("ned@timber.test", "auditor", own), "Ned Oak")
        other = owner.organization("Brick Yard")
    before = len(desk.settled("-action:USER_SIGNED_IN"))
    page = open_page()
    sign_in(page, "ned@timber.test")
    page.goto(f"/organizations/{own}")
    expect(page.get_by_role("heading", name="Timber Yard")).to_be_visible()
    assert page.get_by_role("button").all_inner_texts() == ["Sign out"]
    forms = {
        "/organizations/new": 403,
        f"/organizations/{own}/name": 403,
        f"/organizations/{own}/delete": 403,
        f"/organizations/{other}/name": 404,
        f"/licenses/{license_}/revoke": 403,
        "/users/new": 403,
        "/configuration/new": 403,
    }
    answers = {path: page.request.post(path, form={"name": "Mine", "plan": "free"}).status for path in forms}
    assert answers == forms
    assert len(desk.settled("-action:USER_SIGNED_IN")) == before, "what is refused changes nothing"


def test_a_failed_sign_in_is_an_entry(open_page: Callable[..., Page]) -> None:
    stranger = open_page()
    sign_in(stranger, "mallory@elsewhere.test", "let me in please")
    expect(stranger.get_by_role("alert")).to_contain_text("do not match")
    page = open_page()
    sign_in(page)
    audit = AuditPage(page).open()
    (seq,) = audit.search("mallory sign_in_failed")
    expect(audit.row(seq).locator(".audit-action")).to_have_text("USER_SIGN_IN_FAILED failure")
    assert audit.unfold(seq)["reason"] == ("unknown e-mail",)
    expect(audit.row(seq)).to_contain_text("mallory@elsewhere.test")
    expect(audit.row(seq)).not_to_contain_text("let me in")


def test_rows_unfold_and_fold_by_keyboard_and_the_focus_stays(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page)
    audit = AuditPage(page).open()
    seq = audit.shown()[1]
    focused = page.locator(":focus")
    page.locator(f"#o{seq}").focus()
    for expanded in ("true", "false", "true"):
        page.keyboard.press("Enter")
        expect(page.locator(f"#o{seq}")).to_have_attribute("aria-expanded", expanded)
        expect(focused).to_have_attribute("id", f"o{seq}")
    page.keyboard.press("Tab")
    expect(focused).to_have_attribute("aria-label", re.compile("Only action"))
    page.locator(f"#e{seq}").get_by_role("link", name="Link to this entry").press("Enter")
    expect(page).to_have_url(f"{page.url.split('/audit')[0]}/audit/entry/{seq}")


def test_a_time_range_chosen_by_keyboard_keeps_the_focus(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page)
    audit = AuditPage(page).open()
    for label, since in (("7 days", "7d"), ("Today", "today"), ("All time", "")):
        link = page.get_by_role("link", name=label)
        expect(link).to_have_attribute("data-htmx-powered", "true")  # before that, it leads to another page
        link.focus()
        audit.replaced(lambda: page.keyboard.press("Enter"))
        expect(link).to_be_focused()
        expect(link).to_have_attribute("aria-current", "true")
        expect(page.locator(".audit-search").get_by_label("From")).to_have_value(since)


def test_a_search_is_in_the_address_keeps_the_focus_and_back_brings_the_one_before(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    sign_in(page)
    audit = AuditPage(page).open()
    licenses, suspended = audit.search("license_issued"), audit.search("org_suspended")
    assert len(licenses) > len(suspended) > 0
    box = page.locator(".audit-search").get_by_label("Search")
    expect(box).to_be_focused()
    expect(box).to_have_value("org_suspended")
    assert parse_qs(urlsplit(page.url).query)["q"] == ["org_suspended"]
    page.keyboard.type(" umbra")
    expect(box).to_have_value("org_suspended umbra")

    page.go_back()
    expect(page.locator(".audit-search").get_by_label("Search")).to_have_value("license_issued")
    expect(page.locator("tbody.audit-entry")).to_have_count(len(licenses))
    assert audit.shown() == licenses
    assert parse_qs(urlsplit(page.url).query)["q"] == ["license_issued"]
    page.go_forward()
    expect(page.locator(".audit-search").get_by_label("Search")).to_have_value("org_suspended")
    expect(page.locator("tbody.audit-entry")).to_have_count(len(suspended))
    page.reload()
    assert audit.shown() == suspended


def test_a_search_for_nothing_says_so_and_leads_back(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page)
    audit = AuditPage(page).open()
    assert audit.search("nobody-has-this-name", since="2020-01-01", until="2020-12-31") == []
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show every entry").click()
    expect(page.locator("tbody.audit-entry").first).to_be_visible()
    assert audit.search("action:USER_SINGED_IN") == []
    page.get_by_role("link", name="Did you mean action:USER_SIGNED_IN?").click()
    expect(page.locator("tbody.audit-entry").first).to_be_visible()
    assert audit.search("actor:dana") == []
    expect(page.get_by_role("alert")).to_contain_text("actor: is no field of a search.")
    expect(page.locator(".audit-search").get_by_label("Search")).to_have_value("actor:dana")
    expect(page.locator(".audit-search").get_by_label("Search")).to_have_attribute("aria-invalid", "true")
