"""One entry, proved to somebody who sees nothing else of the log."""

from pathlib import Path

import apsw

from indelible.merkle.key import SigningKey
from tests.cli.conftest import Shell


def test_each_entry_has_a_proof_that_verifies(ready: Shell, tmp_path: Path) -> None:
    lines = ready.run("export", ready.log).stdout.splitlines(keepends=True)
    for seq, line in enumerate(lines):
        path = tmp_path / f"{seq}.tlog-proof"
        path.write_bytes(ready.run("proof", ready.log, f"{seq}").stdout)
        done = ready.run("verify", str(path), "--key", ready.verifier())
        assert done.stdout == line
        assert f"Entry {seq} of audit.example/test, as it was signed among 5." in done.stderr.decode()


def test_what_does_not_hold_exits_3_and_shows_nothing(ready: Shell, tmp_path: Path) -> None:
    path, key = tmp_path / "p", ready.verifier()
    text = ready.run("proof", ready.log, "2").stdout.decode()
    path.write_text(text.replace("index 2", "index 3"))
    assert "entry 3 is not in the tree of 5" in ready.refused("verify", str(path), "--key", key, code=3)
    path.write_text(text[:-9])
    ready.refused("verify", str(path), "--key", key, code=3)
    path.write_text(text)
    other = str(SigningKey.generate("audit.example/test").verifier)
    assert "give the key of then" in ready.refused("verify", str(path), "--key", other, code=3)
    assert "A proof is verified with --key" in ready.refused("verify", str(path), code=2)
    without = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("extra "))
    path.write_text(without)
    assert "without its entry" in ready.refused("verify", str(path), "--key", key, code=2)
    path.write_bytes(text.encode() + b"\xff")
    assert "is no proof" in ready.refused("verify", str(path), "--key", key, code=1)


def test_there_is_no_proof_of_what_is_not_there(ready: Shell) -> None:
    assert "Entry 5 is not among the 5 that are signed" in ready.refused("proof", ready.log, "5", code=4)
    assert "is not among" in ready.refused("proof", ready.log, "999999999999999999999999", code=4)


def test_a_log_that_was_changed_gives_no_proof_of_it(shell: Shell) -> None:
    shell.run("init", shell.log)
    shell.run("watch", shell.app, "--all")
    shell.run("seal", shell.app, shell.log)
    db = apsw.Connection(str(shell.folder / "audit.db"))
    db.execute("DROP TRIGGER leaf_refuses_update")
    db.execute("UPDATE leaf SET hash = zeroblob(32), line = x'7b7d'")
    db.close()
    assert "is not in the tree" in shell.refused("proof", shell.log, "0", code=3)
