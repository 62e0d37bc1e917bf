"""The module's `EXAMPLE`, as a process of its own would have it, on both databases."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Settings from the environment, tables of its own."""
    path: Path = request.module.EXAMPLE
    url = f"sqlite:///{tmp_path}/portal.db"
    if request.param == "postgres":
        url = request.getfixturevalue("pg_url").replace("postgresql://", "postgresql+psycopg://")
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("AUDIT_LOG", f"sqlite:///{tmp_path}/audit.db")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # FastAPI looks annotations up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]
    module.audit.close()
    module.engine.dispose()
