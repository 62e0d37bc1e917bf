"""The example of FastAPI and SQLAlchemy is short, and does what it says, on both databases."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx2
from starlette.testclient import TestClient

from tests.checking import check_signed

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "fastapi_app.py"
DANA = {"authorization": "Bearer dana-token", "x-request-id": "r-1"}


def test_it_is_under_sixty_lines() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 60


def test_a_change_is_in_the_log_with_who_made_it_and_on_the_page(example: ModuleType) -> None:
    with TestClient(example.app) as client:
        assert client.put("/licenses/lic_9?plan=free", headers=DANA).status_code == 200
        assert client.put("/licenses/lic_9?plan=pro", headers=DANA).status_code == 200
        page = client.get("/audit/", headers=DANA).text
        assert client.get("/audit/").status_code == 401
        entries = [entry for entry in check_signed(example.audit.log) if entry.entity.type == "License"]
    assert [(e.action, e.actor.email, e.context.request_id) for e in entries] == [
        ("LICENSE_CREATED", "dana@acme.test", "r-1"),
        ("LICENSE_UPDATED", "dana@acme.test", "r-1"),
    ]
    assert entries[1].changes == {"plan": {"old": "free", "new": "pro"}}
    assert "plan: free → pro" in page


def test_its_server_stops_when_told_while_somebody_has_the_page_open(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "uvicorn", "fastapi_app:app", "--app-dir", str(EXAMPLE.parent), "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address = next(found[0] for line in server.stderr if (found := re.search(r"http://[\d.:]+", line)))
        with httpx2.stream("GET", f"{address}/audit/live", headers=DANA, timeout=30) as listening:
            assert listening.status_code == 200
            server.send_signal(signal.SIGTERM)
            assert "retry: " in "".join(listening.iter_text())  # to its end: it was not cut off
        assert server.wait(30) in (0, -signal.SIGTERM)
