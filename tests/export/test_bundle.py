"""A bundle proves by itself what it holds: the one program in it finds every change, and names the entry."""

import hashlib
import io
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.key import SigningKey
from tests.store.test_log import happened

ENTRIES = 20
FLIPS = 400  # of the bits of each file


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    made = Log.create(f"sqlite:///{tmp_path_factory.mktemp('log')}/audit.db", "audit.example/test")
    made.append(happened(reason=f"number {number}") for number in range(ENTRIES))
    return made


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    """What an auditor has unpacked."""
    bundle = io.BytesIO()
    assert write_bundle(log, bundle) == ENTRIES
    zipfile.ZipFile(bundle).extractall(tmp_path)
    return tmp_path


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the auditor runs it: without anything of ours."""
    command = [sys.executable, "-I", str(folder / "verify.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def refused(folder: Path, log: Log) -> alone.Refused:
    with pytest.raises(alone.Refused) as caught:
        alone.check(alone.Files(folder), str(log.verifier))
    return caught.value


def test_the_program_in_it_needs_nothing_else(folder: Path, log: Log) -> None:
    done = program(folder, "--key", str(log.verifier))
    assert (done.returncode, done.stdout) == (0, f"ok {ENTRIES} {log.head().root.hex()}\n")
    said = f"verify.py: these are all {ENTRIES} entries of audit.example/test that were signed; the last is of "
    assert done.stderr == f"{said}{log.entry(ENTRIES - 1).occurred_at}.\n"
    assert f"The audit log audit.example/test, {ENTRIES} entries" in (folder / "README.txt").read_text()
    wrong = program(folder, "--key", str(SigningKey.generate("audit.example/test").verifier))
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert wrong.stderr.startswith("verify.py: re-signed: `checkpoint` is not signed with the key ")
    assert program(folder, "--key", "x").returncode == 2
    assert program(folder).returncode == 2
    mistyped = program(folder, "--key", str(log.verifier).replace("+A", "+B"))
    assert mistyped.returncode == 2
    assert "the id in it is not that of its key: it was mistyped, or cut" in mistyped.stderr
    absent = program(folder, "absent.zip", "--key", str(log.verifier))
    assert (absent.returncode, absent.stdout) == (2, "")
    assert "there is no file absent.zip" in absent.stderr


def test_without_the_package_it_needs_it_says_which_and_its_help_is_there(folder: Path) -> None:
    for asked, code, said in ((["--help"], 0, "usage: verify.py"), (["--key", "x"], 2, "pip install cryptography")):
        command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *asked]  # -S: without what is installed
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert said in done.stdout + done.stderr


def test_it_reads_the_zip_file_as_it_is(log: Log, tmp_path: Path, folder: Path) -> None:
    with (tmp_path / "log.zip").open("wb") as file:
        write_bundle(log, file)
    done = program(folder, str(tmp_path / "log.zip"), "--key", str(log.verifier))
    assert done.stdout == f"ok {ENTRIES} {log.head().root.hex()}\n"


Lines = list[bytes]
CHANGES: dict[str, tuple[Callable[[Lines], Lines], str, int]] = {
    "edited": (lambda all_: [*all_[:7], all_[7].replace(b"number 7", b"number 8"), *all_[8:]], "changed", 7),
    "removed": (lambda all_: [*all_[:7], *all_[8:]], "changed", 7),
    "added": (lambda all_: [*all_[:7], all_[3], *all_[7:]], "changed", 7),
    "added at the end": (lambda all_: [*all_, all_[3]], "added", ENTRIES),
    "swapped": (lambda all_: [*all_[:7], all_[8], all_[7], *all_[9:]], "changed", 7),
    "doubled": (lambda all_: [*all_[:7], all_[6], *all_[8:]], "changed", 7),
    "cut": (lambda all_: all_[:-3], "truncated", ENTRIES - 3),
    "cut within a line": (lambda all_: [*all_[:-1], all_[-1][:-1]], "changed", ENTRIES - 1),
    "emptied": (lambda _: [], "truncated", 0),
    "with an empty line": (lambda all_: [*all_[:7], b"\n", *all_[7:]], "changed", 7),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_entries_is_named(folder: Path, log: Log, name: str) -> None:
    change, kind, seq = CHANGES[name]
    path = folder / "entries.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    found = refused(folder, log)
    assert (found.kind, found.seq) == (kind, seq)


def test_hashes_that_were_made_to_fit_are_not_those_that_were_signed(folder: Path, log: Log) -> None:
    entries, hashes = folder / "entries.jsonl", folder / "hashes"
    lines = [line.replace(b"dana", b"kimm") for line in entries.read_bytes().splitlines(keepends=True)]
    entries.write_bytes(b"".join(lines))
    hashes.write_bytes(b"".join(hashlib.sha256(b"\0" + line[:-1]).digest() for line in lines))
    assert refused(folder, log).kind == "changed"
    hashes.write_bytes(hashes.read_bytes()[:-32])
    assert refused(folder, log).kind == "truncated"
    hashes.write_bytes(hashes.read_bytes() + bytes(64))
    assert refused(folder, log).kind == "added"


def test_a_checkpoint_has_one_spelling(folder: Path, log: Log) -> None:
    path = folder / "checkpoint"
    note = path.read_text()
    assert note.endswith("=\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for letter in alphabet:
        if letter != note[-3]:
            path.write_text(f"{note[:-3]}{letter}=\n")
            assert refused(folder, log).kind == "re-signed"


@pytest.mark.parametrize("name", ["entries.jsonl", "hashes", "checkpoint"])
def test_a_bit_flipped_anywhere_is_found_and_in_the_entries_where(folder: Path, log: Log, name: str) -> None:
    path, random = folder / name, Random(name)  # noqa: S311 - the same flips in each run
    data = path.read_bytes()
    for _ in range(FLIPS):
        at, bit = random.randrange(len(data)), random.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
        found = refused(folder, log)
        if name == "entries.jsonl":
            assert found.seq == data[:at].count(b"\n")
    path.write_bytes(data)
    alone.check(alone.Files(folder), str(log.verifier))


def packed(data: bytes, name: str) -> range:
    """Where a file's bytes lie in the ZIP file."""
    info = zipfile.ZipFile(io.BytesIO(data)).getinfo(name)
    lengths = data[info.header_offset + 26 : info.header_offset + 30]
    start = info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    return range(start, start + info.compress_size)


@pytest.mark.parametrize("name", ["entries.jsonl", "hashes", "checkpoint"])
def test_a_bit_flipped_in_the_zip_file_is_found_or_changes_nothing(log: Log, tmp_path: Path, name: str) -> None:
    bundle = io.BytesIO()
    write_bundle(log, bundle)
    data, path, random = bundle.getvalue(), tmp_path / "log.zip", Random(name)  # noqa: S311 - the same in each run
    found = 0
    for _ in range(FLIPS):
        at = random.choice(packed(data, name))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
        try:
            assert alone.check(alone.Files(path), str(log.verifier))[:3] == (log.origin, ENTRIES, log.head().root)
        except alone.Refused:
            found += 1
    assert found > 0.9 * FLIPS  # a few bits stand for nothing, as those behind the last one of a stream


def test_a_bit_flipped_anywhere_else_never_ends_in_another_error(log: Log, tmp_path: Path) -> None:
    bundle = io.BytesIO()
    write_bundle(log, bundle)
    data, path, random = bundle.getvalue(), tmp_path / "log.zip", Random(1)  # noqa: S311 - the same in each run
    for _ in range(FLIPS):
        at = random.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
        with suppress(alone.Refused):
            assert alone.check(alone.Files(path), str(log.verifier))[:3] == (log.origin, ENTRIES, log.head().root)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
@pytest.mark.parametrize("name", ["entries.jsonl", "hashes"])
def test_a_file_said_to_be_packed_in_another_way_is_refused(log: Log, tmp_path: Path, name: str, method: int) -> None:
    write_bundle(log, bundle := io.BytesIO())
    data = bytearray(bundle.getvalue())
    for start, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # the local header, the central directory
        place = next(p for p in range(len(data)) if data[p : p + 4] == start and name.encode() in data[p : p + 80])
        data[place + at : place + at + 2] = method.to_bytes(2, "little")
    (tmp_path / "log.zip").write_bytes(data)
    with pytest.raises(alone.Refused):
        alone.check(alone.Files(tmp_path / "log.zip"), str(log.verifier))


@pytest.mark.parametrize("name", ["entries.jsonl", "hashes", "checkpoint"])
def test_a_file_that_is_not_there_is_missed(folder: Path, log: Log, name: str) -> None:
    (folder / name).unlink()
    assert refused(folder, log).kind == "missing"


@pytest.mark.parametrize("name", ["entries.jsonl", "ENTRIES.jsonl", "./entries.jsonl", "x/../entries.jsonl"])
def test_a_file_that_is_there_twice_is_refused(log: Log, tmp_path: Path, name: str) -> None:
    """Whichever a program reads, people may look at the other."""
    path = tmp_path / "log.zip"
    with path.open("wb") as file:
        write_bundle(log, file)
    with zipfile.ZipFile(path, "a") as bundle, warnings.catch_warnings(action="ignore"):
        bundle.writestr(name, b"{}\n")
    with pytest.raises(alone.Refused, match=r"`entries\.jsonl` is there twice"):
        alone.check(alone.Files(path), str(log.verifier))


def test_a_note_is_read_as_strictly_as_anywhere_else(folder: Path, log: Log) -> None:
    note = (folder / "checkpoint").read_text()
    line = note.splitlines(keepends=True)[-1]
    for changed in (
        note[:-1], note + "hello\n", note + line[2:], note.replace("— ", "\x0c— "),
        note + line[:-9] + "AAAAAAAA\n", note + "— a+b " + line.split(" ")[2],
    ):  # fmt: skip
        (folder / "checkpoint").write_text(changed)
        assert refused(folder, log).kind == "re-signed", changed
    (folder / "checkpoint").write_text(note)
    (folder / "keys").write_text("[" * 100_000)
    assert refused(folder, log).kind == "re-signed"


@pytest.mark.parametrize(
    "note", ["", "\n", "a\nb\nc\n\n", "audit.example/test\n5\nAAAA\n", "x\n\n— x y\n", "— audit.example/test AAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(folder: Path, log: Log, note: str) -> None:
    (folder / "checkpoint").write_text(note)
    assert refused(folder, log).kind == "re-signed"
