"""What docs/api.md and docs/serve.md show is done as it stands there."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from indelible.event import Actor, Entity
from indelible.log import Log
from indelible.merkle.tlog_proof import TlogProof
from indelible.serve.settings import OPTIONS, Settings
from tests.docs.test_docs import ROOT, _blocks
from tests.e2e.conftest import browser  # noqa: F401 - a fixture
from tests.serve.conftest import INDELIBLE, Start, key, start  # noqa: F401 - a fixture
from tests.store.test_log import happened

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

PAGE, SERVING = (ROOT / "docs/api.md").read_text(), (ROOT / "docs/serve.md").read_text()


def test_the_lines_for_a_shell_record_an_event_and_find_it(start: Start, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    (block,) = _blocks(PAGE, "sh")
    init, rest = block.split("\n", 1)
    path = os.environ | {"PATH": f"{INDELIBLE.parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-ec", init], cwd=tmp_path, env=path, check=True, capture_output=True)
    server = start("sqlite:///audit.db")
    path |= {"API": f"{server.address}/api/v1"}
    done = subprocess.run(["bash", "-ec", rest], cwd=tmp_path, env=path, check=True, capture_output=True, text=True)
    decoder, text = json.JSONDecoder(), done.stdout
    first, end = decoder.raw_decode(text)
    found, _ = decoder.raw_decode(text[end:].lstrip())
    assert found["count"] == 1
    proof = TlogProof.parse(first["events"][0]["proof"])
    with Log.open(f"sqlite:///{tmp_path}/audit.db", sign=False) as log:
        proof.verify(proof.extra or b"", log.keys)


@pytest.mark.browser
def test_the_lines_of_javascript_record_an_event(start: Start, tmp_path: Path, browser: Browser) -> None:  # noqa: F811 - the fixtures
    (block,) = _blocks(PAGE, "js")
    url = f"sqlite:///{tmp_path}/audit.db"
    server = start(url)
    text = key(url, "append")["Authorization"].removeprefix("Bearer ")
    page = browser.new_page()
    page.goto(server.link)
    api = f"{server.address}/api/v1"
    status = page.evaluate(f"async ([api, key]) => {{ {block}; return answer.status; }}", [api, text])
    page.close()
    assert status == 201
    with Log.open(url, sign=False) as log:
        assert log.entry(log.head().size - 1).action == "USER_INVITED"


def test_the_settings_are_all_in_the_table_and_the_example_is_read(tmp_path: Path) -> None:
    for name, option in OPTIONS.items():
        assert f"`{option.variable}`" in SERVING
        assert f"`{name}`" in SERVING
    (block,) = _blocks(SERVING, "toml")
    file = tmp_path / "indelible.toml"
    file.write_text(block)
    settings = Settings.read({"log": "sqlite:///a.db"}, file, {})
    assert settings.user_header == tomllib.loads(block)["user_header"]
    assert settings.managers == {"dana@acme.test"}


def test_the_page_about_the_client_records_what_it_says(start: Start, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    (block,) = _blocks((ROOT / "docs/client.md").read_text(), "python")
    page: dict[str, Any] = {}
    exec(block, page)  # noqa: S102 - our own page
    url = f"sqlite:///{tmp_path}/audit.db"
    server = start(url)
    text = key(url, "append")["Authorization"].removeprefix("Bearer ")
    page["record_one"](text, f"{server.address}/api/v1", str(tmp_path / "spool"))
    with Log.open(url, sign=False) as log:
        assert log.entry(log.head().size - 1).changes == {"assignee_id": {"old": None, "new": "u_77"}}


def test_each_command_of_the_page_on_evidence_gives_it(tmp_path: Path) -> None:
    (block,) = _blocks((ROOT / "docs/evidence.md").read_text(), "sh")
    url = f"sqlite:///{tmp_path}/audit.db"
    with Log.create(url) as log:
        log.append(
            [
                happened(entity=Entity("License", "lic_9"), operation=operation, actor=Actor(email="dana@acme.test"))
                for operation in ("create", "delete")
            ]
        )
        verifier = str(log.verifier)
    path = os.environ | {"PATH": f"{INDELIBLE.parent}:{os.environ['PATH']}", "LOG": url, "KEY": verifier}
    done = subprocess.run(["bash", "-exc", block], cwd=tmp_path, env=path, check=True, capture_output=True, text=True)
    assert "ok 2 of 2 " in done.stdout
    assert json.loads((tmp_path / "deletions.json").read_text())["entries"] == 1
