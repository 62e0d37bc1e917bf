"""What the audit page does in a browser beyond its links and forms, in Chromium."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from indelible import Actor, Viewer
from indelible.event import Entity
from indelible.export.csv import COLUMNS
from indelible.exports.exports import Exports
from indelible.exports.maker import Maker
from indelible.log import Log
from indelible.upkeep import Upkeep
from indelible.web import create_app
from indelible.work.place import open_work
from tests.store.test_log import happened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser
NAMES = ("Dana Lee", "Kim Berg", "Robin Silva")


@contextmanager
def serving(log: Log, url: str) -> Iterator[str]:
    """The audit pages alone, for whoever asks; gives their address."""
    upkeep = Upkeep(log, url, [])
    pages = create_app(
        log, viewer=lambda _: Viewer(actor=Actor(id="dana")), shell=None, refresh=lambda: None, upkeep=upkeep
    )
    config = uvicorn.Config(
        Starlette(routes=[Mount("/audit", pages)]), port=0, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    try:
        yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}/audit/"
    finally:
        server.should_exit = True
        thread.join()
        upkeep.close()


def fill(log: Log, count: int) -> None:
    log.append(
        happened(
            actor=Actor(id=f"u{n % 3}", name=NAMES[n % 3], email=f"u{n % 3}@acme.test"),
            changes={"note": {"old": "Pro seat 9, yearly", "new": f"Pro seat {n}, yearly"}},
        )
        for n in range(count)
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    with Log.create(url, "audit.example/pages") as made:
        fill(made, 60)
        yield made


@pytest.fixture
def page(log: Log, url: str, browser: Browser) -> Iterator[Page]:
    with serving(log, url) as address:
        context = browser.new_context(
            base_url=address, timezone_id="Asia/Tokyo", viewport={"width": 1180, "height": 800}
        )
        context.set_default_timeout(10_000)
        opened = context.new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto("./")
        yield opened
        context.close()
    assert complaints == []


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


def verify(page: Page, seq: int) -> str:
    page.goto(f"./entry/{seq}")
    page.locator(".audit-raw summary").click()
    page.get_by_role("button", name="Verify in this browser").click()
    result = page.locator(".audit-prove output")
    expect(result).not_to_be_empty()
    return result.inner_text()


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


def test_names_without_a_space_are_broken_where_the_page_ends(tmp_path: Path, browser: Browser) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels nothing scrolls sideways."""
    url = f"sqlite:///{tmp_path}/audit.db"
    with Log.create(url) as log:
        long = Actor(id="u2", name="M" * 80, email=f"{'m' * 60}@a.test")
        log.append([
            happened(actor=Actor(id="u1"), entity=Entity("License", "lic", "N" * 60)),
            happened(actor=long, entity=Entity("X" * 60, "y", None)),
        ])  # fmt: skip
        page = browser.new_page(viewport={"width": 320, "height": 700})
        with serving(log, url) as base:
            for path in ("user/user/u1", "user/user/u2", "entry/0", "entry/1", "?q="):
                page.goto(base + path)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert (path, wide) == (path, 320)
        page.close()


SPOOFED = "Dana\u202enimda"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("?q=", ".audit-who"), ("?q=", ".audit-what"), ("entry/0", ".audit-state"), ("entry/0", ".audit-old"),
        ("entry/0", ".audit-facts dd:has-text('user')"), ("entry/0", ".audit-changes tbody th"),
        ("entry/0", ".audit-after a:has-text('Everything')"), ("facets?q=", ".audit-facets li:has-text('Dana')"),
        ("user/user/u1", "h1"), ("user/user/u1", ".audit-user li"), ("entity/License/lic", "h1"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_marked_wherever_it_is_shown_and_copied_as_it_is(
    url: str, browser: Browser, path: str, place: str
) -> None:
    """Without the mark "Dana(U+202E)nimda" reads "Dana" and then "admin"."""
    with Log.create(url) as log:
        log.append([
            happened(
                actor=Actor(id="u1", name=SPOOFED), entity=Entity("License", "lic", SPOOFED),
                changes={SPOOFED: {"old": SPOOFED, "new": "x"}},
            )
        ])  # fmt: skip
        page = browser.new_page()
        with serving(log, url) as base:
            page.goto(base + path)
            found = page.locator(place).first
            assert found.locator(".audit-unseen").first.get_attribute("data-code") == "U+202E"
            copied = found.evaluate("e => { getSelection().selectAllChildren(e); return getSelection().toString(); }")
            assert SPOOFED in copied
        page.close()


def test_a_name_of_spaces_is_seen(url: str, browser: Browser) -> None:
    with Log.create(url) as log:
        log.append([happened(actor=Actor(id="u1", name="  "), entity=Entity("License", "lic", "   "))])
        page = browser.new_page()
        with serving(log, url) as base:
            page.goto(base + "?q=")
            expect(page.locator(".audit-who .audit-unseen")).to_have_count(2)
            expect(page.locator(".audit-what .audit-unseen")).to_have_count(3)
        page.close()


def test_a_long_name_takes_a_few_lines_of_a_list_and_all_it_needs_of_its_entry(url: str, browser: Browser) -> None:
    """Marks stacked on a letter do not run over the lines around it, either: each text of a list is cut at its box."""
    long, stacked = "N" * 500, "Z" + "\u0323\u0301" * 20
    with Log.create(url) as log:
        log.append([
            happened(actor=Actor(id="u1", name=long, email="e" * 300), entity=Entity("T" * 100, "i" * 400, long)),
            happened(actor=Actor(id="u2", name=stacked), entity=Entity("T", "2", stacked)),
        ])  # fmt: skip
        page = browser.new_page(viewport={"width": 1180, "height": 800})
        with serving(log, url) as base:
            page.goto(base + "?q=")
            assert page.locator("#e0 > tr").evaluate("e => e.offsetHeight") < 130
            assert page.locator("#e1 > tr").evaluate("e => e.offsetHeight") < 60
            for place in ("#e1 .audit-who > div", "#e1 .audit-what > div"):
                expect(page.locator(place)).to_have_css("overflow", "hidden")
            page.goto(base + "facets?q=")
            assert max(page.locator(".audit-facets li").evaluate_all("all => all.map(e => e.offsetHeight)")) < 80
            page.goto(base + "entry/0")
            assert long in page.locator(".audit-facts").inner_text()
        page.close()


def test_what_begins_a_line_begins_at_the_edge(page: Page) -> None:
    """Less the padding of a link, which nobody sees."""
    letters = (
        "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().left; }"
    )
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("./?q=dana&since=7d")
    edge = page.locator(".audit-chips").evaluate("e => e.getBoundingClientRect().left")
    for place in (".audit-views a", ".audit-presets a"):
        assert page.locator(place).first.evaluate(letters) == pytest.approx(edge, abs=1), place


def test_ways_to_others_like_it_stand_together(page: Page) -> None:
    page.goto("./entry/59")
    page.locator(".audit-facts").evaluate("e => e.style.width = '250px'")
    for fact in page.locator(".audit-facts dd:has(.audit-like)").all():
        assert len({link.evaluate("e => e.offsetTop") for link in fact.locator("a").all()}) == 1


def test_on_paper_stands_what_was_recorded_and_nothing_to_press(page: Page) -> None:
    page.set_viewport_size({"width": 680, "height": 1000})
    page.emulate_media(media="print")
    page.goto("./?q=dana&open=57")
    expect(page.locator("td.audit-new")).to_have_text("Pro seat 57, yearly")
    expect(page.locator("td.audit-new")).to_be_visible()
    for place in (".audit-zone", ".audit-views", ".audit-rooms", ".audit-search", ".audit-presets"):
        expect(page.locator(place).filter(visible=True)).to_have_count(0)
    expect(page.locator(".audit-chips code")).to_have_css("padding-right", "8px")
    action = page.locator(".audit-action code").first
    assert len(action.evaluate("e => [...e.getClientRects()]")) == 1, "no action is broken in a word"


def test_in_forced_colours_bars_and_what_is_chosen_are_told_apart(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    ink = page.locator(".audit").evaluate("e => getComputedStyle(e).color")
    expect(page.locator(".audit-bar-fill").first).to_have_css("fill", ink)
    chosen, other = (
        page.locator(f".audit-presets a{which}").first for which in ("[aria-current]", ":not([aria-current])")
    )
    colours = [each.evaluate("e => getComputedStyle(e).backgroundColor") for each in (chosen, other)]
    assert colours[0] != colours[1]


def test_every_time_says_of_which_zone_it_is(page: Page) -> None:
    """Wherever one looks, and with a switch wherever there is a list."""
    for path in ("./", "user/user/u1", "entity/License/lic_9"):
        page.goto(path)
        page.get_by_role("button", name="UTC").click()
        assert "Times are UTC." in page.locator(".audit-table caption").inner_text()
        tall = page.locator(".audit-entry").first.bounding_box()
        page.get_by_role("button", name="Local").click()
        assert "Times are local." in page.locator(".audit-table caption").inner_text()
        assert page.locator(".audit-entry").first.bounding_box() == tall
    page.goto("user/user/u1")
    for at in range(2):
        expect(page.locator(".audit-user dl time").nth(at)).to_have_text("2026-11-20 09:00:00 +09:00")
    page.goto("entry/0")
    expect(page.locator(".audit-facts time")).to_have_text("2026-11-20 09:00:00.000 +09:00")
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.locator(".audit-facts time")).to_have_text("2026-11-20 00:00:00.000 UTC")


def test_an_hour_that_comes_twice_is_told_apart(url: str, browser: Browser) -> None:
    """In Berlin it was half past two twice on 25 October 2026."""
    with Log.create(url) as log:
        log.append([happened(occurred_at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1)])
        page = browser.new_page(timezone_id="Europe/Berlin")
        with serving(log, url) as base:
            page.goto(base + "?q=")
            page.get_by_role("button", name="Local").click()
            expect(page.locator("#e0 time")).to_have_text("2026-10-25 02:30:00 +02:00")
            expect(page.locator("#e1 time")).to_have_text("2026-10-25 02:30:00 +01:00")
        page.close()


def test_on_a_telephone_the_entries_begin_high_on_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    tops = [
        page.locator(place).evaluate("e => e.getBoundingClientRect().top") for place in (".audit-zone", ".audit-export")
    ]
    assert tops[1] - tops[0] < 10, "the export is in the line of the switch"
    assert page.locator(".audit-entry").first.evaluate("e => e.getBoundingClientRect().top") < 460
