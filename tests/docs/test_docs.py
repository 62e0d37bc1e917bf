"""The documentation is code: its examples run, its promises are looked up."""

import asyncio
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine
from starlette.testclient import TestClient
from typer.main import get_command

from indelible import Audit
from indelible.actions import ActionMap
from indelible.capture.notes import OPERATIONS
from indelible.cli.app import app
from indelible.event import Actor, Entry, read
from indelible.log import Log
from indelible.webhooks.service import Webhooks
from indelible.work.place import open_work
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA
from tests.webhooks.receiver import receiving
from tests.world import who

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def _blocks(text: str, language: str) -> list[str]:
    """In the order of the fences, so that the end of one block is not taken for the start of another."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for found, body in blocks if found == language]


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)


def _shell(command: str, folder: Path) -> str:
    program, *arguments = command.split()
    return subprocess.run([BIN / program, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_readme_fits_in_150_lines() -> None:
    assert len(README.splitlines()) <= 150


def test_the_format_names_the_operation_of_whatever_capture_says_of_itself() -> None:
    told = (ROOT / "docs" / "format.md").read_text()
    for action, operation in OPERATIONS.items():
        assert re.search(rf"`{operation}` \([^)]*`{action}`", told)


def test_the_readme_s_example_prints_what_it_says(tmp_path: Path) -> None:
    (example,) = _blocks(README, "python")
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)
    (session,) = [block for block in _blocks(README, "") if block.startswith("$ ")]
    for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)+)", session, re.MULTILINE):
        printed, expected = _timeless(_shell(command, tmp_path)), _timeless(shown)
        assert printed == expected if "…" not in expected else printed.startswith("ok 3 ")


def test_the_readme_lists_every_command() -> None:
    for name in get_command(app).commands:  # type: ignore[attr-defined]  # a group of commands
        assert f"indelible {name} " in README


def refuse(*_: object) -> None:
    raise OSError("the disk is full")


def test_the_page_about_webhooks_receives_and_catches_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is a receiver's; ours sends to it and answers it."""
    page: dict[str, Any] = {}
    exec("\n".join(_blocks((ROOT / "docs/webhooks.md").read_text(), "python")), page)  # noqa: S102 - our own page
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.1/32")
    with (
        Log.create(f"sqlite:///{tmp_path}/a.db") as log,
        receiving() as far,
        closing(open_work(f"sqlite:///{tmp_path}/a.db")) as work,
    ):
        webhooks = Webhooks.of(log, work)
        endpoint, secret = webhooks.endpoints.add(far.url, DANA)
        log.append([happened()])
        webhooks.start()
        (first, second) = far.wait(2)
        webhooks.stop()
        heard: list[Any] = []
        with pytest.raises(OSError, match="full"):
            page["received"](secret.shared, second.headers, second.body, refuse)
        for _ in range(2):
            page["received"](secret.shared, second.headers, second.body, lambda *event: heard.append(event))
        assert [(type_, data["entity"]["id"]) for type_, data in heard] == [("license.assigned", "lic_9")]
        address, headers = page["catching_up"](secret.shared, endpoint.id, 0)
        answer = msgspec.json.decode(webhooks.feed(endpoint.id, address.partition("?")[2], headers))
        assert [each["data"]["seq"] for each in answer["entries"]] == [0, 1]
        assert answer["next"] == 2
        assert [each["type"] for each in answer["entries"]] == [
            msgspec.json.decode(each.body)["type"] for each in (first, second)
        ]


def test_the_page_about_digests_and_jobs_adds_both(tmp_path: Path) -> None:
    page: dict[str, Any] = {}
    exec("\n".join(_blocks((ROOT / "docs/digests.md").read_text(), "python")), page)  # noqa: S102 - our own page
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with Audit(engine, f"sqlite:///{tmp_path}/audit.db") as audit:
        audit.watch()
        page["summaries"](audit, DANA)
        page["own_jobs"](audit, lambda: None)
        assert [(each.name, each.query) for each in audit.digests.all()] == [("Deletions", "operation:delete")]
        audit.start()
        assert {"license-expiry", "license-report"} <= {job.name for job in audit._upkeep.desk.scheduler.jobs}
    engine.dispose()


def test_every_variable_of_the_environment_is_documented() -> None:
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    named = {
        name for path in (ROOT / "src").rglob("*.py") for name in re.findall(r"INDELIBLE_[A-Z_]+", path.read_text())
    }
    assert {name for name in named if name not in pages} == set()


def test_the_links_in_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_page_about_who_acts_is_a_program_and_records_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page: dict[str, Any] = {}
    exec("\n".join(_blocks((ROOT / "docs/context.md").read_text(), "python")), page)  # noqa: S102 - our own page
    asyncio.run(page["load"]())
    with TestClient(page["app"], client=("10.0.0.1", 1)) as browser:
        ip = {"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
        signed = browser.post("/plans/asgi", headers=ip | {"X-User": "kim", "X-Request-ID": "r1"}).text
        nobody = browser.post("/plans/nobody", headers=ip).text
    with TestClient(page["api"]) as browser:
        browser.post("/plans/fastapi", headers={"X-User": "lee", "X-Request-ID": "r3"})
    page["wsgi"]({"REMOTE_USER": "max", "REMOTE_ADDR": "192.0.2.1", "HTTP_X_REQUEST_ID": "r2"}, lambda *_: None)
    page["expire"]()
    page["consume"]({"id": "m1", "key": "k1", "plan": "queue"})
    page["add"]("bare")
    with page["audit"] as audit:
        audit.seal()
        entries = [audit.log.entry(seq) for seq in range(1, audit.log.head().size)]  # the table is watched
    run = entries[7].context.request_id
    assert [(e.entity.id, who([e])[0], e.context.source, e.context.ip, e.context.request_id) for e in entries] == [
        ("script", "u_42", "script", None, None),
        ("impersonated", "u_42", None, None, None),
        ("import", "import", None, None, None),
        ("asgi", "kim", "portal", "203.0.113.9", signed),
        ("nobody", "unknown", "portal", "203.0.113.9", nobody),
        ("fastapi", "lee", "api", "testclient", "r3"),
        ("flask", "max", "shop", "192.0.2.1", "r2"),
        ("expired", "license-expiry", "job", None, run),
        ("queue", "k1", "queue", None, "m1"),
        ("bare", "unknown", "sql", None, None),
    ]
    assert [entry.reason for entry in entries if entry.reason] == ["Price list of 2027", "daily at 02:00"]
    assert (signed, entries[1].actor.on_behalf_of) == ("r1", Actor(id="u_77", name="Kim"))


def test_the_example_map_loads(tmp_path: Path) -> None:
    example = "\n".join(_blocks((ROOT / "docs/map.md").read_text(), "toml"))
    path = tmp_path / "map.toml"
    path.write_text(example)
    licenses = ActionMap.load(path).table("licenses")
    assert licenses.resolve("update", {"assignee_id": {"old": None, "new": "u_1"}}).action == "LICENSE_ASSIGNED"
    assert licenses.resolve("update", {"status": {"old": "active", "new": "expired"}}).action == "LICENSE_EXPIRED"
    assert [ActionMap.load(path).table(name).owner for name in ("project_members", "invoice_lines")] == [
        "Project", "Invoice",
    ]  # fmt: skip
    assert ActionMap.load(path).table("user_roles").resolve("delete", {}).action == "USER_ROLE_REVOKED"


def test_the_example_entry_is_one_and_its_keys_are_explained_in_order() -> None:
    page = (ROOT / "docs/format.md").read_text()
    (line,) = _blocks(page, "json")
    assert msgspec.json.encode(read(line.strip().encode())) == line.strip().encode()
    explained = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert explained == list(Entry.__struct_fields__)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_is_a_page_of_10_to_40_lines(page: Path) -> None:
    assert 10 <= len(page.read_text().splitlines()) <= 40


def test_each_line_of_the_page_on_trust_names_a_test_that_is_there() -> None:
    named = re.findall(r"\| `(test_\w+)` \|", (ROOT / "docs/trust.md").read_text())
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 25
    assert [name for name in named if name not in there] == []


@pytest.mark.parametrize(("page", "example"), [("tutorial.md", "fastapi_app.py"), ("flask.md", "flask_app.py")])
def test_a_page_s_program_is_the_example_that_is_tried(page: str, example: str) -> None:
    """By tests/examples. What is said to the type checker alone is not in the page."""
    (block,) = _blocks((ROOT / "docs" / page).read_text(), "python")
    tried = re.sub(r"  # type: ignore\[[a-z-]+\]", "", (ROOT / "examples" / example).read_text())
    assert tried.endswith(f"\n{block.strip()}\n")


def test_the_reference_is_what_the_code_says() -> None:
    """`make reference` writes it."""
    made = subprocess.run(
        [sys.executable, ROOT / "docs/reference.py", "--show"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs/reference.md").read_text() == made.stdout
