"""How the audit page looks: text of others, narrow screens, paper, forced colours, zones of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from indelible import Actor
from indelible.event import Entity
from indelible.log import Log
from tests.e2e.pages import serving
from tests.store.test_log import happened

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


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
