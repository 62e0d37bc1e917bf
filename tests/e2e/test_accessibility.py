"""Every page, for everybody: axe-core finds nothing, nothing scrolls sideways, the browser complains of nothing."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import create_engine

from indelible import Actor, Audit, Viewer
from tests.e2e.desk import OWNER, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

    from tests.e2e.desk import Desk

pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
WIDTHS = (1280, 390)
NARROWEST = 320  # WCAG 2.2, 1.4.10
HEIGHT = 900
LONG = "Ümlaut & Söhne <Werke für Aufzugssteuerungskomponentenprüfung>"

# What is reached by name; the others need an id, see `addresses`.
PORTAL = (
    "/", "/organizations", "/organizations?q=nobody", "/organizations/new", "/users", "/users/new", "/licenses",
    "/licenses/new", "/configuration", "/configuration/new", "/account", "/account/password", "/nowhere",
)  # fmt: skip
AUDIT = {
    "full": "/audit/",
    "older": "/audit/?before=30",
    "narrowed": "/audit/?q=-source:nowhere -user:nobody&since=90d",
    "unfolded": "/audit/?open=20&before=30",
    "nothing-matches": "/audit/?q=nobody-has-this-name&since=2020-01-01&until=2020-12-31",
    "nothing-further": "/audit/?before=0",
    "bad-query": '/audit/?q=actor:dana "open',
    "bad-dates": "/audit/?since=soon&until=later",
    "long": "/audit/?q=" + "entity:License/" + "x" * 300,
    "entry": "/audit/entry/20",
    "missing-entry": "/audit/entry/123456789",
}


@dataclass
class Watched:
    """A page, and everything its browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        """Live events end with the page."""
        if "/audit/live" not in request.url:
            self.complaints.append(f"{request.url} {request.failure}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def check(self, address: str) -> list[str]:
        """Everything wrong with one page, in both colours and both widths."""
        answer = self.page.goto(address)
        assert answer
        complaints, self.complaints = self.complaints, []
        found = complaints if answer.status == 200 else []  # the console reports every other status as an error
        found += [
            f"{width} px: it scrolls sideways by {by}" for width in (*WIDTHS, NARROWEST) if (by := self.over(width))
        ]
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            for colours in ("light", "dark"):
                self.page.emulate_media(color_scheme=colours)
                found += [f"{width} px, {colours}: {violation}" for violation in violations(self.page)]
        found += self.complaints
        self.complaints = []
        return found

    def over(self, width: int) -> int:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']} {node['target']}: {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.fixture(scope="module")
def watched(desk: Desk, browser: Browser) -> Iterator[Watched]:
    """The owner's window."""
    context = browser.new_context(base_url=desk.url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")  # what the next address would cut off is no complaint of its page
    yield Watched(page)
    context.close()


@pytest.fixture(scope="module")
def addresses(desk: Desk) -> list[str]:
    """The pages of single things, each of them with the longest name it may have to show."""
    with desk.signed_in() as owner:
        organization = owner.organization(LONG)
        owner.post("/organizations/new", name="W" * 120, plan="enterprise")
        invitation = owner.invite(f"{'long' * 15}@{'domain' * 9}.test", "admin", organization)
        license_ = owner.license(organization, LONG)
        users = [entry["entity"]["id"] for entry in owner.entries("user_invited")]
        owner.post(f"/licenses/{license_}/assign", assignee_id=users[-1])
        config = owner.entries("config_saved")[-1]["entity"]["id"]
        actor = owner.entries("config_saved")[-1]["actor"]
    return [
        f"/organizations/{organization}", f"/organizations/{organization}/delete", f"/users/{users[0]}",
        f"/users/{users[-1]}", f"/users/{users[-1]}/remove", f"/licenses/{license_}", f"/licenses/{license_}/delete",
        f"/configuration/{config}", f"/configuration/{config}/delete", invitation,
        f"/audit/user/{actor['type']}/{actor['id']}", f"/audit/user/{actor['type']}/{actor['id']}?until=2020-01-01",
        f"/audit/entity/License/{license_}",
    ]  # fmt: skip


@pytest.mark.parametrize("address", PORTAL)
def test_a_page_of_the_portal_is_for_everybody(watched: Watched, address: str) -> None:
    assert watched.check(address) == []


def test_the_page_of_each_thing_is_for_everybody(watched: Watched, addresses: list[str]) -> None:
    assert [f"{address}: {problem}" for address in addresses for problem in watched.check(address)] == []


@pytest.mark.parametrize("state", AUDIT)
def test_each_state_of_the_audit_page_is_for_everybody(watched: Watched, addresses: list[str], state: str) -> None:
    assert addresses, "long names are in the log"
    assert watched.check(AUDIT[state]) == []


def test_the_doors_are_for_everybody(desk: Desk, browser: Browser) -> None:
    with browser.new_context(base_url=desk.url) as context:
        watched = Watched(context.new_page())
        assert watched.check("/sign-in") == []
        watched.page.get_by_label("E-mail").fill("nobody@northdesk.test")
        watched.page.get_by_label("Password").fill("wrong password")
        watched.page.get_by_role("button", name="Sign in").click()
        assert violations(watched.page) == []
        assert watched.check("/invitation/used") == []


def test_a_form_that_was_not_saved_is_for_everybody(watched: Watched) -> None:
    watched.page.goto("/organizations/new")
    watched.page.get_by_label("Name").fill(" \u00a0 ")
    watched.page.get_by_role("button", name="Create organization").click()
    watched.page.get_by_role("alert").wait_for()
    assert violations(watched.page) == []
    assert watched.over(NARROWEST) == 0
    watched.complaints.clear()  # the status 422 is in the console


def test_the_pages_of_webhooks_are_for_everybody(watched: Watched) -> None:
    """Empty, refused, with a secret, full of failures; each of them as a person comes to it."""
    page = watched.page
    assert watched.check("/audit/webhooks/") == []
    page.get_by_label("Address https").fill("https://10.0.0.1/" + "long" * 60)
    page.get_by_label("Hears of").fill("foo:1")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("is not a public address").wait_for()
    assert violations(page) == []
    page.get_by_label("Address https").fill("https://hooks.invalid/" + "long" * 60)
    page.get_by_label("Hears of").fill("user:nobody")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("It is shown this once").wait_for()
    assert violations(page) == []
    assert watched.over(NARROWEST) == 0
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_text("the name cannot be resolved").wait_for()
    watched.complaints.clear()  # the status 400 is in the console
    delivery = page.url
    assert watched.check(delivery) == []
    assert watched.check(delivery.rpartition("/")[0]) == []
    assert watched.check("/audit/webhooks/") == []


def test_the_pages_of_digests_and_jobs_are_for_everybody(watched: Watched) -> None:
    page = watched.page
    assert watched.check("/audit/digests/") == []
    page.get_by_label("To an e-mail").fill("nobody@acme.test")
    page.get_by_label("Of a search").fill("foo:1")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("is no field of a search").wait_for()
    assert violations(page) == []
    watched.complaints.clear()  # the status 400 is in the console
    page.get_by_label("To an e-mail").fill(f"{'long' * 15}@{'domain' * 9}.test")
    page.get_by_label("Of a search").fill("user:nobody")
    page.get_by_label("Name stands").fill("W" * 120)
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Added.").wait_for()
    assert watched.check("/audit/digests/") == []
    assert watched.check("/audit/jobs/") == []
    answer = page.goto("/audit/digests/dg_0/unsubscribe?token=0")
    assert answer
    assert answer.status == 404
    assert violations(page) == []
    watched.complaints.clear()


def test_unfolding_and_searching_leave_the_page_as_good_as_it_was(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": HEIGHT})
    page.goto("/audit/")
    page.get_by_role("link", name="Show what changed").first.click()
    page.get_by_role("link", name="Hide what changed").wait_for()
    page.locator(".audit-search").get_by_label("Search").fill("license")
    page.locator(".audit-search").get_by_label("Search").press("Enter")
    page.get_by_text("entries found").wait_for()
    page.get_by_role("link", name="Show what changed").first.click()
    page.get_by_role("link", name="Hide what changed").wait_for()
    page.locator(".audit-export summary").first.click()
    page.locator(".audit-columns summary").click()
    assert violations(page) == []
    assert watched.over(NARROWEST) == 0
    page.locator(".audit-export summary").first.click()
    page.locator(".audit-facets summary").click()
    page.locator(".audit-raw summary").click()
    assert violations(page) == []
    assert watched.over(NARROWEST) == 0
    page.get_by_role("link", name="All of this").click()
    page.get_by_text("What happened to it").wait_for()
    assert violations(page) == []
    assert watched.over(NARROWEST) == 0
    page.go_back()
    page.locator(".audit-export summary").first.click()
    page.get_by_role("button", name="Prepare it").click()
    # A process of its own writes it, when it is its turn.
    page.get_by_role("link", name="manifest").wait_for(timeout=90_000)
    assert violations(page) == []
    assert watched.over(NARROWEST) == 0
    assert watched.complaints == []


@contextmanager
def bare_host(folder: Path) -> Iterator[str]:
    """The audit pages of a log in which nothing has happened, in no portal at all."""
    engine = create_engine(f"sqlite:///{folder / 'app.db'}")
    with Audit(engine, f"sqlite:///{folder / 'audit.db'}") as audit:
        audit.watch()
        app = audit.app(viewer=lambda _: Viewer(actor=Actor(id="u_1", name="Reader")))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
    engine.dispose()


def test_an_empty_log_in_its_own_frame_is_for_everybody(browser: Browser, tmp_path: Path) -> None:
    with bare_host(tmp_path) as url, browser.new_context(base_url=url) as context:
        watched = Watched(context.new_page())
        found = watched.check("/")
        watched.page.get_by_role("heading", name="Nothing is recorded yet").wait_for()
        assert found == []
        assert watched.check("/entry/0") == []
