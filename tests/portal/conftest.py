"""Fixtures of the portal's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from portal import passwords
from portal.app import create_app
from portal.settings import Settings
from tests.portal.northdesk import OWNER, PASSWORD, QUICK, Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    monkeypatch.setattr(passwords._Decoy, "hash", None)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(**values: object) -> Settings:
        data = tmp_path / "data"
        given: dict[str, object] = {
            "data": data,
            "database_url": f"sqlite:///{data / 'portal.db'}",
            "audit_url": f"sqlite:///{data / 'audit.db'}",
            "admin_email": OWNER,
            "admin_password": PASSWORD,
            "empty": True,
            "job_seconds": 3600.0,
        }
        return Settings(**given | values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def desk(make_settings: Callable[..., Settings]) -> Iterator[Desk]:
    app = create_app(make_settings())
    with TestClient(app):
        yield Desk(app)
