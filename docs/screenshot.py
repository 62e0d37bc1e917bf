"""Makes docs/audit-page.png: a portal on its own data, a few real changes, and the audit page with one entry open.

`make screenshot`. Needs Chromium (Debian's `chromium` package).
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURE = Path(__file__).with_name("audit-page.png")
EMAIL, PASSWORD = "dana.lee@northdesk.test", "a long enough password"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    with portal() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        _photograph(browser.new_page(viewport={"width": 1180, "height": 720}), address)
        browser.close()


def chromium() -> str:
    return shutil.which("chromium") or sys.exit("Chromium is needed: apt-get install chromium")


@contextmanager
def portal() -> Iterator[str]:
    """One on its own data; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "portal", "run", "--data", folder, "--port", str(port)],
            env=os.environ | {"PORTAL_ADMIN_EMAIL": EMAIL, "PORTAL_ADMIN_PASSWORD": PASSWORD},
            stdout=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            yield address
        finally:
            process.terminate()
            process.wait(10)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")


def _photograph(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/organizations")
    page.get_by_role("link", name="Acme", exact=False).first.click()
    page.locator("select[name=plan]").select_option(index=1)
    page.locator("form:has(select[name=plan]) button").first.click()
    page.goto(f"{address}/audit/")
    page.locator(".audit-entry", has_text="ORG_PLAN_CHANGED").locator("a").first.click()
    page.wait_for_selector(".audit-detail")
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURE)


def _wait(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=1).close()  # noqa: S310 - loopback
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    sys.exit("The portal did not start.")


if __name__ == "__main__":
    main()
