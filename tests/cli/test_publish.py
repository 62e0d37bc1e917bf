"""The log leaves by the command, and is verified where it came to."""

from pathlib import Path

import pytest

from indelible.log import Log
from tests.cli.conftest import Shell
from tests.publish.far_witness import FarWitness, Serving
from tests.store.test_log import happened


def test_a_folder_is_published_and_verified(ready: Shell, tmp_path: Path) -> None:
    folder, key = str(tmp_path / "mirror"), ready.verifier()
    assert ready.run("publish", ready.log, folder).stdout == b"5\n"
    assert ready.run("verify", folder, "--key", key).stdout == ready.run("verify", ready.log, "--key", key).stdout
    assert "verified with --key" in ready.refused("verify", folder, code=2)
    entries = tmp_path / "mirror/tile/entries/000.p/5"
    entries.write_bytes(entries.read_bytes().replace(b'"seq":0', b'"seq":1'))
    assert "changed: entry 0" in ready.refused("verify", folder, "--key", key, code=3)
    anchor = str(tmp_path / "anchor")
    ready.run("publish", ready.log, anchor, "--anchor")
    assert not (tmp_path / "anchor/tile").exists()
    assert "missing: tile/entries/000.p/5" in ready.refused("verify", anchor, "--key", key, code=3)
    assert "cannot be written" in ready.refused("publish", ready.log, "/dev/null/x", code=1)


def test_an_altered_anchor_is_told_in_a_sentence(ready: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anchor = tmp_path / "anchor"
    ready.run("publish", ready.log, f"{anchor}", "--anchor")
    monkeypatch.setenv("INDELIBLE_ANCHOR", f"{anchor}")
    (anchor / "checkpoints" / f"{5:012}").write_bytes(b"\xff")
    assert f"re-signed: the newest checkpoint of {anchor} is not this log's" in ready.refused(
        "verify", ready.log, code=3
    )
    (anchor / "checkpoint").write_bytes(b"\xff")
    assert f"re-signed: {anchor}/checkpoint is no checkpoint of this log" in ready.refused(
        "publish", ready.log, f"{anchor}", code=3
    )


def test_a_folder_that_is_none_of_tiles_is_told_so(shell: Shell, tmp_path: Path) -> None:
    shell.run("init", shell.log)
    said = shell.refused("verify", str(tmp_path), "--key", shell.verifier(), code=4)
    assert "this is no folder of tiles" in said


def test_a_witness_cosigns(shell: Shell) -> None:
    far = Serving(FarWitness("witness.example/w1"))
    try:
        shell.run("init", shell.log)
        assert "Nothing is signed yet" in shell.refused("witness", shell.log, far.url, far.witness.vkey, code=4)
        with Log.open(shell.log) as log:
            log.append([happened()])
        note = shell.run("witness", shell.log, far.url, far.witness.vkey).stdout
        assert "— witness.example/w1 ".encode() in note
        assert shell.run("checkpoint", shell.log).stdout == note
        assert "names no witness" in shell.refused("witness", shell.log, "x", far.witness.vkey, code=2)
    finally:
        far.close()


def test_a_key_is_rotated_and_the_old_one_still_verifies(shell: Shell) -> None:
    old = shell.run("init", shell.log).stdout.decode().strip()
    with Log.open(shell.log) as log:
        log.append(happened() for _ in range(3))
    new = shell.run("rotate", shell.log).stdout.decode().strip()
    assert new != old
    assert new == shell.verifier()
    assert "is no size up to which" in shell.refused("rotate", shell.log, "--revoke-after", "99", code=2)
    newest = shell.run("rotate", shell.log, "--revoke-after", "3").stdout.decode().strip()
    for key in (old, new, newest):
        assert shell.run("verify", shell.log, "--key", key).stdout.startswith(b"ok 5 ")
    assert b"AUDIT_KEY_REVOKED" in shell.run("search", shell.log, "action:AUDIT_KEY_*").stdout
