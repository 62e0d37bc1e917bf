"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, sync_playwright

from indelible.log import Log
from tests.e2e.desk import Desk
from tests.e2e.pages import fill, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A portal with its sample records, shared by one file's tests. None of them may make it report an error."""
    running = Desk.start(tmp_path_factory.mktemp("desk") / "data")
    try:
        yield running
    finally:
        running.close()
    assert "ERROR" not in running.complaints()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with each file: while Playwright runs, its event loop occupies this thread."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield launched
        launched.close()


def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        reason = "There is no Chromium on this machine, so nothing was tried in a browser: apt-get install chromium"
        if os.environ.get("INDELIBLE_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)  # on a developer's machine; `.ci/run` sets the variable above
    return found


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    """Of sixty entries."""
    with Log.create(url, "audit.example/pages") as made:
        fill(made, 60)
        yield made


@pytest.fixture
def page(log: Log, url: str, browser: Browser) -> Iterator[Page]:
    """The audit page of that log. Nothing on it may fail."""
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
