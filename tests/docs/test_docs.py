"""The documentation is code: its examples run, its promises are looked up."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.main import get_command

from indelible.actions import ActionMap
from indelible.cli.commands import app
from indelible.event import Entry, read

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


def test_the_readme_s_example_prints_what_it_says(tmp_path: Path) -> None:
    (example,) = _blocks(README, "python")
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)
    (session,) = [block for block in _blocks(README, "") if block.startswith("$ ")]
    for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)+)", session, re.MULTILINE):
        printed, expected = _timeless(_shell(command, tmp_path)), _timeless(shown)
        assert printed == expected if "…" not in expected else printed.startswith("ok 2 ")


def test_the_readme_lists_every_command() -> None:
    for name in get_command(app).commands:  # type: ignore[attr-defined]  # a group of commands
        assert f"indelible {name} " in README


def test_the_links_in_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_map_loads(tmp_path: Path) -> None:
    (example,) = _blocks((ROOT / "docs/map.md").read_text(), "toml")
    path = tmp_path / "map.toml"
    path.write_text(example)
    licenses = ActionMap.load(path).table("licenses")
    assert licenses.resolve("update", {"assignee_id": {"old": None, "new": "u_1"}}).action == "LICENSE_ASSIGNED"
    assert licenses.resolve("update", {"status": {"old": "active", "new": "expired"}}).action == "LICENSE_EXPIRED"


def test_the_example_entry_is_one_and_its_keys_are_explained_in_order() -> None:
    page = (ROOT / "docs/format.md").read_text()
    (line,) = _blocks(page, "json")
    assert msgspec.json.encode(read(line.strip().encode())) == line.strip().encode()
    explained = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert explained == list(Entry.__struct_fields__)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_is_a_page_of_10_to_40_lines(page: Path) -> None:
    assert 10 <= len(page.read_text().splitlines()) <= 40
