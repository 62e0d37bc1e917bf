"""What the audit page does in a browser beyond its links and forms, in Chromium."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from indelible.export.csv import COLUMNS
from indelible.exports.exports import Exports
from indelible.exports.maker import Maker
from indelible.log import Log
from indelible.work.place import open_work
from tests.e2e.pages import fill, serving, verify

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser


def shown(page: Page) -> list[str | None]:
    return [row.get_attribute("id") for row in page.locator(".audit-entry").all()]


def test_keys_lead_from_entry_to_entry_and_open_them(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#o58")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("o")
    expect(page.locator("#e59 .audit-detail")).to_be_visible()
    expect(page.locator("#e59 .audit-detail mark")).to_have_text(["9", "59"])
    expect(page.locator("#o59")).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator("#e59 .audit-detail")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("j?")  # are letters there
    expect(page.locator("#q")).to_have_value("j?")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_what_is_typed_is_completed_from_what_is_there(page: Page) -> None:
    page.locator("#q").press_sequentially("-user:be")
    option = page.locator("#suggestions option")
    expect(option).to_have_count(1)
    expect(option).to_have_attribute("value", "-user:u1@acme.test")
    assert len(shown(page)) == 50  # the page is as it was


def test_a_bar_narrows_by_click_and_by_keyboard(page: Page) -> None:
    bars = page.locator(".audit-when-bars a")
    assert bars.count() >= 30
    bars.first.focus()
    page.keyboard.press("ArrowRight")
    expect(bars.nth(1)).to_be_focused()
    page.keyboard.press("Home")
    expect(bars.first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#since")).not_to_have_value("")
    expect(page.locator(".audit-count")).to_contain_text("60 entries found")


def test_a_name_in_a_list_becomes_a_term_and_its_chip_takes_it_away(page: Page) -> None:
    page.locator(".audit-facets summary").click()
    page.locator(".audit-facets").get_by_role("link", name="Kim Berg", exact=True).click()
    expect(page.locator("#q")).to_have_value("user:u1@acme.test")
    expect(page.locator(".audit-count")).to_contain_text("20 entries found")
    page.get_by_role("link", name="Remove user:u1@acme.test").click()
    expect(page.locator(".audit-count")).to_contain_text("60 entries")


def test_times_are_local_if_that_is_asked_for_and_it_is_kept(page: Page) -> None:
    expect(page.locator("#e59 time")).to_have_text("2026-11-20 00:00:00")
    page.get_by_role("button", name="Local").click()
    expect(page.locator("#e59 time")).to_have_text("2026-11-20 09:00:00 +09:00")
    page.reload()
    expect(page.locator("#e59 time")).to_have_text("2026-11-20 09:00:00 +09:00")
    page.get_by_role("button", name="UTC").click()
    expect(page.locator("#e59 time")).to_have_text("2026-11-20 00:00:00")


def test_word_of_what_is_new_moves_no_row(page: Page, log: Log) -> None:
    before, place = shown(page), page.locator("#e59").bounding_box()
    page.wait_for_timeout(300)
    fill(log, 3)
    link = page.locator("#audit-new a")
    expect(link).to_have_text("3 new")
    assert shown(page) == before
    assert page.locator("#e59").bounding_box() == place
    link.click()
    expect(page.locator("#e62")).to_be_visible()
    expect(page.locator("#audit-new a")).to_be_hidden()


def test_only_what_fits_is_told_and_nothing_before_the_connection_is_missed(page: Page, log: Log) -> None:
    def meanwhile(route: Route) -> None:
        fill(log, 3)
        route.continue_()

    page.route("**/live*", meanwhile)
    page.goto("./?q=user:kim")
    expect(page.locator("#audit-new a")).to_have_text("1 new")


def test_the_browser_verifies_an_entry_and_holds_the_log_to_what_it_saw(page: Page, log: Log) -> None:
    assert verify(page, 3).startswith("Verified by this browser: entry 3 is in the checkpoint of 60 entries;")
    for added in (1, 4, 63, 300):
        fill(log, added)
        assert "extends the one of" in verify(page, 59)
    assert verify(page, log.head().size - 1).startswith("Verified by this browser")


def answer_with(page: Page, proof: str) -> None:
    page.route("**/entry/3/proof", lambda route: route.fulfill(body=proof))


def test_the_browser_refuses_what_is_not_so(page: Page, log: Log) -> None:
    verify(page, 3)
    proof = log.proof(3)
    hashes = proof.hashes
    forged = {
        "of another line": str(log.proof(4)),
        "not in the log that was signed": str(replace(proof, hashes=(hashes[1], *hashes[1:]))),
        "not signed with the log's key": str(proof).replace("\n60\n", "\n61\n"),
        "too short": str(replace(proof, hashes=hashes[:-1])),
        "too long": str(replace(proof, hashes=(*hashes, hashes[0]))),
    }
    for said, body in forged.items():
        answer_with(page, body)
        assert said in verify(page, 3)
        page.unroute("**/entry/3/proof")
    assert verify(page, 3).startswith("Verified")


def test_the_browser_refuses_a_log_that_was_written_anew_with_its_key(
    page: Page, log: Log, browser: Browser, tmp_path: Path
) -> None:
    """The same key, another history: what the server tells is signed, and is not what this browser saw."""
    verify(page, 3)
    state = page.context.storage_state()
    other_url = f"sqlite:///{tmp_path}/other.db"
    (tmp_path / "other.db.key").write_bytes((tmp_path / "audit.db.key").read_bytes())
    with Log.create(other_url) as other:
        fill(other, 90)
        assert other.verifier == log.verifier
        with serving(other, other_url) as address:
            for origin in state["origins"]:
                origin["origin"] = address.removesuffix("/audit/")
            context = browser.new_context(base_url=address, storage_state=state)
            told = verify(context.new_page(), 3)
            context.close()
    assert told == "Not verified. The log does not extend the one of 60 entries that this browser saw."


def test_an_export_is_prepared_while_one_looks_and_downloaded(page: Page, log: Log, url: str) -> None:
    page.get_by_label("Search for").fill("robin")
    page.keyboard.press("Enter")
    expect(page.locator(".audit-count")).to_have_text("20 entries found")
    page.locator(".audit-export summary").first.click()
    page.locator(".audit-columns summary").click()
    for name in COLUMNS:
        page.get_by_role("checkbox", name=name, exact=True).set_checked(name in ("seq", "actor_name"))
    page.get_by_role("button", name="Prepare it").click()
    expect(page.locator("#exports")).to_contain_text("waiting")
    page.route("**/exports/", lambda route: route.abort(), times=1)  # one look is lost on the way: others follow
    with page.expect_event("requestfailed"):
        pass
    work = open_work(url)
    maker = Maker(Exports(log, work), work, url)
    maker.start()
    try:
        expect(page.get_by_role("link", name="audit-log-")).to_be_visible(timeout=20_000)
    finally:
        maker.stop()
        work.close()
    with page.expect_download() as started:
        page.get_by_role("link", name="audit-log-").click()
    rows = started.value.path().read_text().splitlines()
    assert (rows[0], rows[1], len(rows)) == ("seq,actor_name", "2,Robin Silva", 21)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No export was asked for")).to_be_visible()


def test_what_is_too_much_to_count_at_first_is_counted_when_asked(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indelible.search.hits.COUNTED", 10)
    monkeypatch.setattr("indelible.search.hits.STRETCH", 16)
    page.goto("./?q=robin")
    expect(page.locator(".audit-count")).to_contain_text("+")
    page.locator(".audit-export summary").first.click()
    page.get_by_role("link", name="count them").click()
    expect(page.locator(".audit-export form")).to_contain_text("Exactly 20")
