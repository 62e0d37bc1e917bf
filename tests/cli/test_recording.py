"""Events that no database captured: by the command line, one by one or from a file."""

import json
from pathlib import Path

from indelible.log import Log
from tests.checking import check_signed
from tests.cli.conftest import Shell

LINE = {
    "action": "LICENSE_ASSIGNED",
    "entity": {"type": "License", "id": "lic_9"},
    "occurred_at": "2019-05-01T08:00:00Z",
}


def entries(shell: Shell) -> list[dict[str, object]]:
    with Log.open(shell.log) as log:
        check_signed(log)
        return [json.loads(line) for _, _, line in log.leaves(0, 10**6)]


def test_one_event_is_recorded_with_all_that_is_said_of_it(shell: Shell) -> None:
    shell.run("init", shell.log)
    changes = '{"plan": {"old": "free", "new": "pro"}}'
    done = shell.run(
        "record", shell.log, "LICENSE_ASSIGNED", "--entity", "License:a:b", "--actor", "dana@acme.test",
        "--changes", changes, "--reason", "asked for", "--org", "acme",
    )  # fmt: skip
    assert done.stdout == b"0\n"
    (entry,) = entries(shell)
    assert entry["entity"] == {"type": "License", "id": "a:b", "name": None}
    assert (entry["actor"], entry["changes"]) == (
        {"type": "user", "id": None, "name": None, "email": "dana@acme.test"}, json.loads(changes),
    )  # fmt: skip
    assert (entry["context"], entry["metadata"]) == ({"source": "command line"}, {"imported": "command line"})
    told = shell.run("record", shell.log, "LICENSE_CREATED", "--entity", "License:1", "--json").stdout
    assert json.loads(told)["operation"] == "create"
    assert json.loads(told)["actor"]["type"] == "unknown"


def test_what_is_no_event_is_refused(shell: Shell) -> None:
    shell.run("init", shell.log)
    for said, *arguments in (
        ("not TYPE:ID", "LICENSE_ASSIGNED", "--entity", "License"), ("no event", "assigned", "--entity", "License:1"),
        ("no JSON", "LICENSE_ASSIGNED", "--entity", "License:1", "--changes", "{"),
        ("no event", "LICENSE_ASSIGNED", "--entity", "License:1", "--changes", '{"a": 1}'),
    ):  # fmt: skip
        assert said in shell.refused("record", shell.log, *arguments, code=2)
    assert entries(shell) == []


def test_a_file_is_imported_once_however_often_and_wherever_it_was_broken_off(shell: Shell, tmp_path: Path) -> None:
    shell.run("init", shell.log)
    file = tmp_path / "old.jsonl"
    lines = [json.dumps(LINE | {"reason": f"{number}"}) for number in range(1500)]
    file.write_text("\n".join(lines[:700]) + "\n")
    assert shell.run("import", shell.log, str(file)).stdout == b"700\n"
    file.write_text("\n".join([*lines, lines[0], "", lines[0]]) + "\n")  # alike three times
    assert shell.run("import", shell.log, str(file)).stdout == b"802\n"
    assert shell.run("import", shell.log, str(file)).stdout == b"0\n"
    found = entries(shell)
    assert [entry["reason"] for entry in found] == [*(f"{number}" for number in range(1500)), "0", "0"]
    assert {entry["occurred_at"] for entry in found} == {"2019-05-01T08:00:00.000000Z"}
    assert found[0]["metadata"]["imported"] == "old.jsonl"  # type: ignore[index]  # an object
    assert found[0]["context"] == {"source": "import"}


def test_a_line_that_is_no_event_is_named_and_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    shell.run("init", shell.log)
    file = tmp_path / "old.jsonl"
    for wrong in ("{", '{"action": "x"}', json.dumps(LINE | {"nose": 1}), json.dumps(LINE | {"metadata": {"row": 1}})):
        file.write_text("\n".join([json.dumps(LINE)] * 1100 + [wrong]) + "\n")
        assert "Line 1101 is no event" in shell.refused("import", shell.log, str(file), code=2)
    file.write_text(json.dumps(LINE | {"reason": "\ud83d"}))
    assert r"\ud83d is half of a character" in shell.refused("import", shell.log, str(file), code=2)
    for whole in (r'{"reason": "\ud83d\ude00",}', r'{"reason": "\\ud83d"} x'):
        file.write_text(whole)
        assert "half of a character" not in shell.refused("import", shell.log, str(file), code=2)
    assert "cannot be read" in shell.refused("import", shell.log, str(tmp_path / "no.jsonl"), code=2)
    assert entries(shell) == []


def test_what_was_exported_is_imported_elsewhere_by_what_it_says(ready: Shell, tmp_path: Path) -> None:
    """Without the numbers and words of the other log."""
    lines = ready.run("export", ready.log).stdout.splitlines()
    kept = ("id", "action", "operation", "occurred_at", "entity", "organization", "changes", "outcome", "reason")
    file = tmp_path / "from-there.jsonl"
    file.write_text("".join(json.dumps({name: json.loads(line)[name] for name in kept}) + "\n" for line in lines))
    other = Shell(tmp_path)
    other.run("init", other.log)
    assert other.run("import", other.log, str(file)).stdout == f"{len(lines)}\n".encode()
    assert [entry["id"] for entry in entries(other)] == [json.loads(line)["id"] for line in lines]
