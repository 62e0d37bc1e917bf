"""What the audit page does where an answer is not what it asked for: the server fails, is away, or wants a sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from indelible import Actor, Viewer
from indelible.event import Organization
from tests.e2e.pages import fill, serving, verify
from tests.store.test_log import happened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from indelible.log import Log

pytestmark = pytest.mark.browser
LOOK_AWAY_AND_BACK = "dispatchEvent(new Event('pagehide')); document.dispatchEvent(new Event('visibilitychange'))"
SIGN_IN = "<!doctype html><title>Sign in</title><h1>Sign in</h1>"


@dataclass
class Host:
    """A portal, and what it says of who asks: nothing, a status, or that they sign in first."""

    log: Log
    url: str = ""
    organization: str | None = None
    answer: int = 200

    def viewer(self, _: object) -> Viewer | Response:
        if self.answer == 303:
            return RedirectResponse("/sign-in", 303)
        if self.answer != 200:
            return HTMLResponse("<h1>Away</h1>", self.answer)
        return Viewer(actor=Actor(id="dana"), organization=self.organization)


@pytest.fixture
def host(log: Log, url: str) -> Iterator[Host]:
    made = Host(log)
    with serving(log, url, made.viewer, Route("/sign-in", lambda _: HTMLResponse(SIGN_IN))) as made.url:
        yield made


@pytest.fixture
def page(browser: Browser, host: Host) -> Iterator[Page]:
    context = browser.new_context(base_url=host.url)
    opened = context.new_page()
    opened.goto("./")
    yield opened
    context.close()


@pytest.mark.parametrize(("answer", "shown"), [(303, "Sign in"), (500, "Away"), (403, "Away")])
@pytest.mark.parametrize("act", ["search", "unfold", "preset"])
def test_another_answer_is_a_page_and_no_hole_in_this_one(
    page: Page, host: Host, act: str, answer: int, shown: str
) -> None:
    host.answer = answer
    if act == "search":
        page.get_by_label("Search for").fill("dana")
        page.keyboard.press("Enter")
    else:
        page.get_by_role("link", name="7 days" if act == "preset" else "Show what changed").first.click()
    expect(page.get_by_role("heading", name=shown)).to_be_visible()
    host.answer = 200
    page.go_back()
    expect(page.get_by_role("link", name="Show what changed")).to_have_count(50)


def test_a_server_that_is_away_takes_nothing_off_the_page(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_role("link", name="Show what changed").first.click()
    expect(page.get_by_role("link", name="Show what changed")).to_have_count(0)  # the browser's own page says so
    page.context.set_offline(False)
    page.go_back()
    expect(page.get_by_role("link", name="Show what changed")).to_have_count(50)


def test_the_page_hears_what_is_new_again_after_the_server_was_away(page: Page, host: Host) -> None:
    host.answer = 502
    with page.expect_response("**/live*", timeout=60_000):
        page.evaluate(LOOK_AWAY_AND_BACK)
    expect(page.get_by_text("not live")).to_be_visible()
    fill(host.log, 2)
    host.answer = 200
    expect(page.locator("#audit-new a")).to_have_text("2 new", timeout=20_000)
    expect(page.get_by_text("not live")).to_be_hidden()


@pytest.mark.parametrize("then", ["searched for", "left"])
def test_what_is_typed_during_a_search_is_not_lost(page: Page, then: str) -> None:
    held: list[Any] = []
    page.route("**/?q=dana*", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks what it is given
    box = page.get_by_label("Search for")
    box.fill("dana")
    page.keyboard.press("Enter")
    expect(page.locator("#audit")).to_have_attribute("aria-busy", "true")
    with page.expect_response("**/suggest*"):
        box.fill("nothing_of_that_name")
    if then == "searched for":  # the second search goes before the first
        page.keyboard.press("Enter")
        expect(page.locator(".audit-count")).to_have_text("No entries found")
    else:
        held[0].continue_()
        expect(page.locator(".audit-count")).to_have_text("20 entries found")
    expect(box).to_have_value("nothing_of_that_name")


def test_keys_are_left_to_the_host_s_own_fields(page: Page) -> None:
    page.evaluate(
        """() => { const own = document.createElement("div"); own.contentEditable = "true"; own.id = "own";
        document.body.append(own); own.focus(); }"""
    )
    page.keyboard.type("joke?/")
    expect(page.locator("#own")).to_have_text("joke?/")


def test_who_sees_one_organization_is_not_told_that_its_log_was_tampered_with(page: Page, host: Host) -> None:
    host.organization = "acme"
    host.log.append([happened(organization=Organization("acme"))])
    seq = host.log.head().size - 1
    assert verify(page, seq).startswith("Verified by this browser")
    fill(host.log, 3)
    told = verify(page, seq)
    assert told.startswith("Verified by this browser")
    assert told.endswith("that it extends that one is shown to who sees all of the log.")


@pytest.mark.parametrize("answer", [303, 500, 403])
def test_no_answer_is_no_proof_of_anything(page: Page, host: Host, answer: int) -> None:
    verify(page, 3)
    page.goto("./entry/3")
    page.locator(".audit-raw summary").click()
    host.answer = answer
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator(".audit-prove output")).to_contain_text("This browser cannot tell.")


@pytest.mark.parametrize("kept", ["nothing", "unreadable"])
def test_an_entry_is_proved_though_the_browser_keeps_nothing(page: Page, kept: str) -> None:
    if kept == "nothing":
        page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
        assert verify(page, 3).endswith("this browser may keep nothing, so that it cannot hold the log to it.")
    else:
        page.add_init_script("localStorage.setItem('indelible-checkpoint:/audit/consistency', '{\"size\":')")
        assert verify(page, 3).endswith("holds the log to it from now on.")
