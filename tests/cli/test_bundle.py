"""The whole log as a bundle: written and verified by the command."""

import base64
import zipfile
from pathlib import Path

from indelible.event import Organization
from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.key import SigningKey
from tests.cli.conftest import Shell
from tests.store.test_log import happened


def test_the_command_writes_it_and_verifies_it(ready: Shell, tmp_path: Path) -> None:
    path, key = str(tmp_path / "log.zip"), ready.verifier()
    assert b"5 entries. To verify it" in ready.run("export", ready.log, "--proof", "-o", path).stderr
    assert ready.run("verify", path, "--key", key).stdout == ready.run("verify", ready.log).stdout
    assert "A bundle is verified with --key" in ready.refused("verify", path, code=2)
    other = str(SigningKey.generate("audit.example/test").verifier)
    assert "re-signed" in ready.refused("verify", path, "--key", other, code=3)
    for asked, said in (
        (["--proof"], "give -o FILE.zip"),
        (["--proof", "-o", path, "--format", "csv"], "leave --format"),
    ):
        assert said in ready.refused("export", ready.log, *asked, code=2)
    assert "cannot be written" in ready.refused("export", ready.log, "--proof", "-o", f"{tmp_path}/no/x.zip", code=2)


def test_a_bundle_that_was_cut_off_is_told_as_that(ready: Shell, tmp_path: Path) -> None:
    file = tmp_path / "audit.zip"
    ready.run("export", ready.log, "--proof", "-o", str(file))
    file.write_bytes(file.read_bytes()[:-100])
    key = ready.run("verifier", ready.log).stdout.decode().strip()
    assert "is not whole" in ready.refused("verify", str(file), "--key", key, code=2)


def test_an_unsigned_log_has_nothing_to_prove(shell: Shell, tmp_path: Path) -> None:
    shell.run("init", shell.log)
    said = shell.refused("export", shell.log, "--proof", "-o", str(tmp_path / "log.zip"), code=4)
    assert "Nothing is signed yet" in said
    assert not (tmp_path / "log.zip").exists()


def test_a_bundle_of_another_history_is_found_the_second_time(ready: Shell, tmp_path: Path) -> None:
    key = SigningKey.parse((ready.folder / "audit.db.key").read_text())
    ready.run("verify", ready.log, "--key", ready.verifier())
    with Log.create(f"sqlite:///{tmp_path}/other.db", key.name) as other:
        other.append(happened() for _ in range(7))
        verifier, path = str(other.verifier), tmp_path / "other.zip"
        with path.open("wb") as file:
            write_bundle(other, file)
    bundle = zipfile.ZipFile(path)
    checkpoint = alone.signed(bundle.read("checkpoint").decode(), verifier, [])
    note = key.sign(f"{key.name}\n{checkpoint[1]}\n{base64.b64encode(checkpoint[2]).decode()}\n")
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(forged, "w") as made:
        for name in ("entries.jsonl", "hashes", "keys"):
            made.writestr(name, bundle.read(name))
        made.writestr("checkpoint", note)
    said = ready.refused("verify", str(forged), "--key", ready.verifier(), code=3)
    assert "the first 5 entries are not those that were verified before" in said


def test_an_organization_s_is_asked_for_by_its_id(shell: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "acme.zip")
    shell.run("init", shell.log)
    with Log.open(shell.log) as log:
        log.append(happened(organization=Organization(name, name)) for name in ("acme", "acme2", "acme"))
    assert b"2 entries" in shell.run("export", shell.log, "--org", "acme", "--proof", "-o", path).stderr
    done = shell.run("verify", path, "--key", shell.verifier())
    assert done.stdout.startswith(b"ok 2 ")
    assert b"These are all 2 entries of " in done.stderr
    assert b"/org/acme that were signed when the log had 3; the last is of 2026-" in done.stderr
    assert shell.run("export", shell.log, "--org", "acme2").stdout.count(b"\n") == 1
    note = shell.run("checkpoint", shell.log, "--org", "acme").stdout.decode()
    assert note.split("\n")[1] == "2"
    assert note.split("\n")[3] == "log 3"


def test_an_organization_that_the_log_does_not_know_is_not_found_and_nothing_is_signed_of_it(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "x.zip"
    shell.run("init", shell.log)
    with Log.open(shell.log) as log:
        log.append([happened(organization=Organization("acme", "Acme Inc"))])
        for asked in (
            ["export", shell.log, "--org", "Acme"],
            ["export", shell.log, "--org", "Acme", "--proof", "-o", str(path)],
            ["export", shell.log, "operation:create", "--org", "ACME INC", "--proof", "-o", str(path)],
            ["checkpoint", shell.log, "--org", "Acme"],
        ):
            assert "Did you mean acme?" in shell.refused(*asked, code=4)
        assert "Ids are exact" in shell.refused("export", shell.log, "--org", "acm", code=4)
        assert not path.exists()
        assert list(log.store.organization_checkpoints()) == []


def test_a_bundle_of_no_entries_says_so(shell: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "none.zip")
    shell.run("init", shell.log)
    with Log.open(shell.log) as log:
        log.append([happened()])
    shell.run("export", shell.log, "nowhere", "--proof", "-o", path)
    done = shell.run("verify", path, "--key", shell.verifier())
    assert b"0 entries are here, of 1 of " in done.stderr
    assert b"that were signed: there was nothing to verify" in done.stderr


def test_a_log_of_no_entries_says_so(shell: Shell) -> None:
    shell.run("init", shell.log)
    assert b"0 entries. There was nothing to verify" in shell.run("verify", shell.log).stderr


def test_what_a_search_finds_is_proved_entry_by_entry(ready: Shell, tmp_path: Path) -> None:
    path, key = str(tmp_path / "some.zip"), ready.verifier()
    assert (
        b"3 entries. To verify it" in ready.run("export", ready.log, "operation:create", "--proof", "-o", path).stderr
    )
    done = ready.run("verify", path, "--key", key)
    assert done.stdout.startswith(b"ok 3 of 5 ")
    assert b"That there are no others is not proved." in done.stderr
    found = ready.run("export", ready.log, "operation:create").stdout
    assert zipfile.ZipFile(path).read("entries.jsonl") == found
