"""The audit pages alone, on a server of their own, and what a test does on them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from indelible import Actor, Viewer
from indelible.upkeep import Upkeep
from indelible.web import create_app
from tests.store.test_log import happened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from starlette.routing import BaseRoute

    from indelible.log import Log
    from indelible.viewer import ViewerCheck

NAMES = ("Dana Lee", "Kim Berg", "Robin Silva")


@contextmanager
def serving(
    log: Log, url: str, viewer: ViewerCheck = lambda _: Viewer(actor=Actor(id="dana")), *routes: BaseRoute
) -> Iterator[str]:
    """For whoever asks, or whom `viewer` lets in; `routes` are the host's own. Gives the pages' address."""
    upkeep = Upkeep(log, url, [])
    pages = create_app(log, viewer=viewer, shell=None, refresh=lambda: None, upkeep=upkeep)
    host = Starlette(routes=[*routes, Mount("/audit", pages)])
    server = uvicorn.Server(uvicorn.Config(host, port=0, log_level="error", timeout_graceful_shutdown=1))
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


def verify(page: Page, seq: int) -> str:
    page.goto(f"./entry/{seq}")
    page.locator(".audit-raw summary").click()
    page.get_by_role("button", name="Verify in this browser").click()
    result = page.locator(".audit-prove output")
    expect(result).not_to_be_empty()
    return result.inner_text()
