"""The pages run under the policy that they are served with, in Chromium: nothing of them is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.api.conftest import EVENT
from tests.e2e.conftest import browser  # noqa: F401 - a fixture
from tests.serve.conftest import Start, key

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
PATHS = (
    "/?q=",
    "/entry/0",
    "/entity/License/lic_9",
    "/webhooks/",
    "/digests/",
    "/jobs/",
    "/views/",
    "/exports/",
    "/nothing",
)


def test_no_page_does_what_the_policy_forbids(start: Start, tmp_path: Path, browser: Browser) -> None:  # noqa: F811 - the fixture
    url = f"sqlite:///{tmp_path}/audit.db"
    server = start(url)
    headers = key(url, "append")
    for number in range(60):
        httpx2.post(
            f"{server.address}/api/v1/events", json=EVENT | {"reason": f"{number}"}, headers=headers, timeout=10
        )
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.link)
    for path in PATHS:
        page.goto(server.address + path)
    assert [each for each in complaints if "404" not in each] == []
    page.goto(f"{server.address}/?q=")
    page.get_by_role("link", name="Show what changed").first.click()
    page.get_by_role("link", name="Hide what changed").wait_for()
    page.locator(".audit-raw summary").click()
    page.get_by_role("button", name="Verify in this browser").click()
    page.get_by_text("verified by this browser", exact=False).wait_for()
    page.get_by_label("Search for").fill("license")
    page.keyboard.press("Enter")
    page.get_by_text("entries found").wait_for()
    assert [each for each in complaints if "404" not in each] == []
    page.close()
