"""An organization's checkpoint is of all that it has: an export of it proves by itself that nothing is left out."""

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indelible.errors import LogError, NotFoundError, VerificationError
from indelible.event import Organization
from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.search.page import lines
from indelible.search.query import Query
from indelible.verify import verify_log
from tests.attacks import edit, run
from tests.attacks import lines as all_lines
from tests.checking import check_signed, mth
from tests.shell import Shell
from tests.store.test_log import happened
from tests.world import World

ORGANIZATIONS = [None, "acme", "acme2", "ü/ 7+", "x" * 300]


@pytest.fixture
def world(either: World) -> World:
    """On every store."""
    return either


@pytest.fixture
def log(world: World) -> Log:
    fill(world.log, 40)
    return world.log


def fill(log: Log, count: int) -> None:
    size = log.head().size
    ids = [ORGANIZATIONS[number % len(ORGANIZATIONS)] for number in range(size, size + count)]
    log.append(happened(organization=id_ and Organization(id_, id_)) for id_ in ids)


def signed(log: Log, organization: str) -> tuple[Checkpoint, int]:
    return Checkpoint.open_organization(log.organization_checkpoint(organization)[1], log.verifier, organization)


def entries_of(log: Log, organization: str, size: int) -> list[bytes]:
    """By reading all of them."""
    found = [log.entry(seq) for seq in range(size)]
    return [log.line(entry.seq) for entry in found if entry.organization and entry.organization.id == organization]


def test_a_checkpoint_is_of_all_its_entries_and_grows_with_them(log: Log) -> None:
    for size in (40, 47, 60):
        fill(log, size - log.head().size)
        for organization in filter(None, ORGANIZATIONS):
            checkpoint, among = signed(log, organization)
            leaves = entries_of(log, organization, size)
            assert (checkpoint.size, checkpoint.root, among) == (len(leaves), mth(leaves), size)
        check_signed(log)


def test_one_that_has_no_entries_has_a_checkpoint_that_says_so(log: Log) -> None:
    checkpoint, among = signed(log, "nobody")
    assert (checkpoint.size, checkpoint.root, among) == (0, mth([]), 40)


def test_only_what_is_signed_counts(world: World) -> None:
    log = world.log
    assert signed(log, "acme") == (Checkpoint("audit.example/test/org/acme", 0, mth([]), ("log 0",)), 0)
    with log.appending() as appending:
        appending.add(happened(organization=Organization("acme")))
    assert signed(log, "acme")[1] == 0
    log.sign()
    assert signed(log, "acme")[0].size == 1
    check_signed(log)


def test_without_the_key_the_newest_that_was_made_is_given(world: World, log: Log) -> None:
    _, note = log.organization_checkpoint("acme")
    fill(log, 5)
    with Log.open(world.log_url, sign=False) as reader:
        assert reader.organization_checkpoint("acme") == (40, note)
        with pytest.raises(NotFoundError, match="No checkpoint of the organization 'acme2' was made yet"):
            reader.organization_checkpoint("acme2")


def test_the_trees_can_be_made_anew(log: Log) -> None:
    before = signed(log, "acme")
    path = log.store.key_path.with_name(log.store.key_path.name + ".organizations")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"no database, and long enough to be taken for one" * 100)
    with pytest.raises(LogError, match="Delete the file: it is made anew"):
        log.organization_checkpoint("acme")
    path.unlink()
    assert signed(log, "acme") == before


def test_threads_and_processes_that_ask_at_once_get_one_answer(world: World, log: Log) -> None:
    got: list[tuple[int, str]] = []
    with Log.open(world.log_url) as other:

        def ask(of: Log) -> None:
            got.append(of.organization_checkpoint("acme"))

        asked = [threading.Thread(target=ask, args=(of,)) for of in (log, other) * 4]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


FOLLOWS = """
import sys
from indelible.log import Log
log = Log.open(sys.argv[1])
print(flush=True)
while True:
    log.organization_checkpoint("acme")
"""


def test_a_kill_while_the_trees_follow_leaves_them_as_they_were_or_as_they_are_to_be(world: World, log: Log) -> None:
    for moment in range(8):
        process = subprocess.Popen([sys.executable, "-c", FOLLOWS, world.log_url], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(moment):
            fill(log, 5)
        process.kill()
        process.wait()
        process.stdout.close()
        fill(log, 3)
        size = log.head().size
        assert signed(log, "acme") == (signed(log, "acme")[0], size)
        assert signed(log, "acme")[0].root == mth(entries_of(log, "acme", size))
        check_signed(log)


def test_lines_that_are_not_those_that_were_signed_get_no_checkpoint(world: World, log: Log) -> None:
    signed(log, "acme2")
    fill(log, 10)
    attack(world, lambda db: edit(db, 46, new=all_lines(db)[46].replace(b'"acme"', b'"acne"'), hash_=True))
    for _ in range(2):
        with pytest.raises(VerificationError, match="are not those that were signed"):
            log.organization_checkpoint("acme")


def attack(world: World, do: Callable[[Shell], object]) -> None:
    with world.shell() as db:
        db.disarm()
        do(db)


ATTACKS: dict[str, Callable[[Shell], object]] = {
    "note edited": lambda db: db.replace("organization_checkpoint", "note", "log 40", "log 41"),
    "note emptied": lambda db: db.run("UPDATE organization_checkpoint SET note = ?", db.text("")),
    "given to another": lambda db: db.run("UPDATE organization_checkpoint SET organization = ?", db.text("acme2")),
    "filed elsewhere": run("UPDATE organization_checkpoint SET log_size = 39"),
    "filed beyond": run("UPDATE organization_checkpoint SET log_size = 99"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_not_as_it_was_signed_is_found(world: World, log: Log, name: str) -> None:
    signed(log, "acme")
    verify_log(log, log.verifier)
    attack(world, ATTACKS[name])
    with pytest.raises(VerificationError):
        verify_log(log, log.verifier)


def test_a_checkpoint_that_is_made_while_all_is_verified_is_for_the_next_time(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = filter(None, ORGANIZATIONS)
    log.organization_checkpoint(first)
    leaves = log.leaves

    def meanwhile(start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
        for other in [*others, "nobody"]:
            log.organization_checkpoint(other)
        return leaves(start, stop)

    monkeypatch.setattr(log, "leaves", meanwhile)
    for name in ("sqlite", "postgres"):
        monkeypatch.setattr(f"indelible.store.{name}.store.SORTED", 1)
    assert verify_log(log, log.verifier).size == 40


def test_a_tree_that_leaves_an_entry_out_is_found_though_the_key_has_signed_it(log: Log) -> None:
    """As whoever has the key, and gives an organization less than it has."""
    some = entries_of(log, "acme", 40)[1:]
    forged = Checkpoint("audit.example/test/org/acme", len(some), mth(some), ("log 40",))
    assert log._signer is not None
    log.store.add_organization_checkpoint("acme", 40, forged.sign(log._signer._key))
    with pytest.raises(VerificationError, match="which are not the 7 that its checkpoint signed") as found:
        verify_log(log, log.verifier)
    assert found.value.kind == "changed"


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    """What an organization's auditor has unpacked."""
    with (tmp_path / "acme.zip").open("wb") as file:
        assert write_bundle(log, file, "acme") == 8
    zipfile.ZipFile(tmp_path / "acme.zip").extractall(tmp_path / "acme")
    return tmp_path / "acme"


def test_its_bundle_is_verified_by_the_program_in_it(folder: Path, log: Log) -> None:
    command = [sys.executable, "-I", str(folder / "verify.py"), "--key", str(log.verifier)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"ok 8 {signed(log, 'acme')[0].root.hex()}\n"
    assert done.stderr.startswith(
        "verify.py: these are all 8 entries of audit.example/test/org/acme that were signed when the log had 40; "
    )
    assert (folder / "entries.jsonl").read_bytes().splitlines() == list(lines(log, Query(), organization="acme"))


def test_one_that_the_log_does_not_know_has_no_bundle(log: Log, tmp_path: Path) -> None:
    with (tmp_path / "x.zip").open("wb") as file, pytest.raises(NotFoundError, match=r"'Acme'. Did you mean acme\?"):
        write_bundle(log, file, "Acme")
    assert list(log.store.organization_checkpoints()) == []


def test_an_entry_left_out_of_it_is_missed(folder: Path, log: Log) -> None:
    path, hashes = folder / "entries.jsonl", folder / "hashes"
    kept = path.read_bytes().splitlines(keepends=True)
    for place in range(8):
        path.write_bytes(b"".join(kept[:place] + kept[place + 1 :]))
        with pytest.raises(alone.Refused):
            alone.check(alone.Files(folder), str(log.verifier))
    hashes.write_bytes(hashes.read_bytes()[32:])
    path.write_bytes(b"".join(kept[1:]))
    with pytest.raises(alone.Refused, match="truncated"):
        alone.check(alone.Files(folder), str(log.verifier))


def test_an_entry_that_was_changed_is_named_by_its_number_and_its_line(folder: Path, log: Log) -> None:
    path = folder / "entries.jsonl"
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        seq, written = int(json.loads(line)["seq"]), path.read_bytes()
        path.write_bytes(written.replace(line, line.replace(b'"occurred_at":"2', b'"occurred_at":"1')))
        with pytest.raises(alone.Refused, match=rf"entry {seq} \(line {number} of `entries.jsonl`\) is not") as found:
            alone.check(alone.Files(folder), str(log.verifier))
        assert found.value.seq == seq
        path.write_bytes(written.replace(line, b"[]"))
        with pytest.raises(alone.Refused, match=rf"changed: line {number} of `entries.jsonl` is not") as found:
            alone.check(alone.Files(folder), str(log.verifier))
        path.write_bytes(written)


def test_another_organizations_bundle_is_no_bundle_of_this_one(log: Log, folder: Path, tmp_path: Path) -> None:
    """Nor is the log's own: what each is of stands in its checkpoint."""
    with (tmp_path / "all.zip").open("wb") as file:
        write_bundle(log, file)
    with zipfile.ZipFile(tmp_path / "all.zip") as whole:
        for name in ("entries.jsonl", "hashes"):
            (folder / name).write_bytes(whole.read(name))
    with pytest.raises(alone.Refused, match="added"):
        alone.check(alone.Files(folder), str(log.verifier))


def test_an_index_that_hides_an_entry_makes_no_bundle(world: World, log: Log, tmp_path: Path) -> None:
    attack(world, run("UPDATE entry SET organization_id = NULL WHERE seq = 1"))
    with (tmp_path / "acme.zip").open("wb") as file, pytest.raises(VerificationError, match="7 entries are found"):
        write_bundle(log, file, "acme")
