"""A bundle of what a search found: each entry proves itself, and what is not so is named."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.proof import inclusion
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.search.query import parse
from tests.checking import mth
from tests.store.test_log import happened

ENTRIES = 700  # of three tiles, the last one not full
FLIPS = 300
THIRD = parse('"third"', datetime.now(UTC))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    made = Log.create(f"sqlite:///{tmp_path_factory.mktemp('log')}/audit.db", "audit.example/test")
    made.append(
        happened(reason=f"{number}", changes={"x": {"new": "third" if number % 3 == 0 else "not"}})
        for number in range(ENTRIES)
    )
    return made


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    bundle = io.BytesIO()
    assert write_bundle(log, bundle, query=THIRD) == 234
    zipfile.ZipFile(bundle).extractall(tmp_path)
    return tmp_path


def refused(folder: Path, log: Log) -> alone.Refused:
    with pytest.raises(alone.Refused) as caught:
        alone.check(alone.Files(folder), str(log.verifier))
    return caught.value


def test_the_program_in_it_says_what_is_proved_and_what_is_not(folder: Path, log: Log) -> None:
    command = [sys.executable, "-I", str(folder / "verify.py"), "--key", str(log.verifier)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"ok 234 of {ENTRIES} {log.head().root.hex()}\n")
    assert (
        f"each of these 234 entries of audit.example/test is as it was signed when the log had {ENTRIES}" in done.stderr
    )
    assert "some of 700 entries" in (folder / "README.txt").read_text()
    assert not (folder / "hashes").exists()


def test_each_change_of_the_entries_is_named(folder: Path, log: Log) -> None:
    entries, proofs = folder / "entries.jsonl", folder / "proofs"
    lines, paths = entries.read_bytes().splitlines(keepends=True), proofs.read_bytes().splitlines(keepends=True)
    for kind, place, some, theirs in (
        ("changed", 7, [*lines[:7], lines[7].replace(b"third", b"fifth"), *lines[8:]], paths),
        ("changed", 7, [*lines[:7], *lines[8:]], paths),
        ("changed", 0, [lines[1], lines[0], *lines[2:]], paths),
        ("reordered", 1, [lines[1], lines[0], *lines[2:]], [paths[1], paths[0], *paths[2:]]),
        ("reordered", 1, [lines[0], *lines], [paths[0], *paths]),
        ("added", 234, [*lines, lines[3]], paths),
        ("truncated", 233, lines[:-1], paths),
        ("changed", 5, lines, [*paths[:5], b"\n", *paths[6:]]),
        ("changed", 233, [*lines[:-1], lines[-1][:-1]], paths),
    ):
        entries.write_bytes(b"".join(some))
        proofs.write_bytes(b"".join(theirs))
        found = refused(folder, log)
        assert (found.kind, found.place) == (kind, place)
        assert found.seq == (None if place == len(some) else int(json.loads(some[place])["seq"]))
        assert kind != "changed" or f"entry {found.seq} (line {place + 1} of `entries.jsonl`) is" in str(found)


@pytest.mark.parametrize("name", ["entries.jsonl", "proofs", "checkpoint"])
def test_a_bit_flipped_anywhere_is_found(folder: Path, log: Log, name: str) -> None:
    path, random = folder / name, Random(name)  # noqa: S311 - the same flips in each run
    data = path.read_bytes()
    for _ in range(FLIPS):
        at, bit = random.randrange(len(data)), random.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
        if name == "proofs" and data[at : at + 1] in b" \n" and bytes([data[at] ^ 1 << bit]).isspace():
            continue  # another space between them says the same
        found = refused(folder, log)
        if name != "checkpoint":
            assert found.place is not None
    path.write_bytes(data)
    assert alone.check(alone.Files(folder), str(log.verifier)).entries == 234


def test_a_bundle_of_some_never_passes_for_one_of_all(log: Log, tmp_path: Path) -> None:
    whole, some = io.BytesIO(), io.BytesIO()
    write_bundle(log, whole)
    write_bundle(log, some, query=THIRD)
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name in ("checkpoint", "keys"):
            made.writestr(name, zipfile.ZipFile(whole).read(name))
        for name in ("entries.jsonl", "proofs"):
            made.writestr(name, zipfile.ZipFile(some).read(name))
        made.writestr("hashes", zipfile.ZipFile(whole).read("hashes"))
    assert alone.check(alone.Files(path), str(log.verifier)).whole is False


@settings(max_examples=300)
@given(st.integers(1, 80).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_its_own_walk_along_a_proof_agrees_with_rfc_6962(case: tuple[int, int]) -> None:
    size, seq = case
    lines = [b"%d" % number for number in range(size)]
    path = [_root(lines[run.start : run.stop]) for run in inclusion(seq, size)]
    assert alone.root_of(leaf_hash(lines[seq]), seq, size, path) == mth(lines)
    assert alone.root_of(leaf_hash(lines[seq]), seq, size, [*path, bytes(32)]) != mth(lines)
    assert alone.root_of(leaf_hash(lines[seq]), seq, size, path[:-1]) != mth(lines) or not path


def _root(lines: list[bytes]) -> bytes:
    tree = Frontier()
    for line in lines:
        tree.append(leaf_hash(line))
    return tree.root()
