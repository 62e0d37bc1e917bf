"""The example of Flask and SQLAlchemy is short, and does what it says, on both databases."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
from werkzeug.serving import make_server

from tests.checking import check_signed
from tests.serve.conftest import until

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "flask_app.py"


@pytest.fixture
def address(example: ModuleType) -> Iterator[str]:
    """Of a real server of WSGI, a thread for each request."""
    server = make_server("127.0.0.1", 0, example.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_is_under_seventy_lines() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 70


def test_a_change_is_in_the_log_with_who_made_it_and_on_the_page(example: ModuleType, address: str) -> None:
    with httpx2.Client(base_url=address, timeout=20, headers={"X-Request-ID": "r-1"}) as client:
        assert client.get("/audit/").status_code == 401
        client.post("/sign-in/dana@acme.test")
        assert client.put("/licenses/lic_9?plan=free").text == "Saved."
        assert client.put("/licenses/lic_9?plan=pro").text == "Saved."
        assert until(lambda: "plan: free → pro" in client.get("/audit/").text)
        assert client.get("/audit/static/audit.css").headers["content-type"].startswith("text/css")
        entries = [entry for entry in check_signed(example.audit.log) if entry.entity.type == "License"]
    assert [(e.action, e.actor.email, e.context.request_id, e.context.source) for e in entries] == [
        ("LICENSE_CREATED", "dana@acme.test", "r-1", "portal"),
        ("LICENSE_UPDATED", "dana@acme.test", "r-1", "portal"),
    ]
    assert entries[1].changes == {"plan": {"old": "free", "new": "pro"}}


def test_what_is_signed_is_heard_of_while_it_happens(example: ModuleType, address: str) -> None:
    """Under WSGI too: the live answer holds a thread, and is written piece by piece."""
    with httpx2.Client(base_url=address, timeout=20) as client:
        client.post("/sign-in/dana@acme.test")
        with client.stream("GET", "/audit/live") as live:
            pieces = live.iter_text()
            assert "retry" in next(pieces)
            assert client.put("/licenses/lic_9?plan=free").text == "Saved."
            assert any("LICENSE_CREATED" in piece for piece in pieces)
    assert example.audit.health()["status"] == "ok"
