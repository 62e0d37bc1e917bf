"""A manifest says of an exported file what it is."""

import hashlib
import json
from pathlib import Path

import pytest

from indelible.log import Log
from tests.cli.conftest import Shell


@pytest.mark.parametrize("format_", ["jsonl", "csv", "ocsf"])
def test_it_counts_and_hashes_what_was_written(ready: Shell, tmp_path: Path, format_: str) -> None:
    file, manifest = tmp_path / "out", tmp_path / "manifest.json"
    asked = ["operation:update", "--since", "7d", "--format", format_]
    ready.run("export", ready.log, *asked, "-o", str(file), "--manifest", str(manifest))
    told = json.loads(manifest.read_bytes())
    with Log.open(ready.log, sign=False) as log:
        assert (told["log"], told["among"], told["checkpoint"]) == (log.origin, log.head().size, log.checkpoint())
    found = ready.run("search", ready.log, "operation:update", "--json").stdout.count(b"\n")
    assert (told["entries"], told["bytes"]) == (found, file.stat().st_size)
    assert told["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (told["format"], told["query"], told["since"]) == (format_, "operation:update", "7d")
    assert "organization" not in told


def test_what_goes_to_a_pipe_has_one_too(ready: Shell, tmp_path: Path) -> None:
    out = ready.run("export", ready.log, "--manifest", str(tmp_path / "m")).stdout
    assert json.loads((tmp_path / "m").read_bytes())["sha256"] == hashlib.sha256(out).hexdigest()


def test_raw_is_for_csv(ready: Shell) -> None:
    assert b"--raw is for --format csv" in ready.run("export", ready.log, "--raw", code=2).stderr
    assert ready.run("export", ready.log, "--raw", "--format", "csv").stdout.startswith(b"seq,id,")
