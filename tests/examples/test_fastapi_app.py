"""The example of FastAPI and SQLAlchemy is short, and does what it says, on both databases."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from tests.checking import check_signed

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "fastapi_app.py"
DANA = {"authorization": "Bearer dana-token", "x-request-id": "r-1"}


@pytest.fixture(params=["sqlite", "postgres"])
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """As a process of its own would have it: settings from the environment, tables of its own."""
    url = f"sqlite:///{tmp_path}/portal.db"
    if request.param == "postgres":
        url = request.getfixturevalue("pg_url").replace("postgresql://", "postgresql+psycopg://")
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("AUDIT_LOG", f"sqlite:///{tmp_path}/audit.db")
    spec = importlib.util.spec_from_file_location("fastapi_app", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fastapi_app"] = module  # FastAPI looks annotations up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fastapi_app"]
    module.audit.close()
    module.engine.dispose()


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
