"""Whoever verifies a log again finds what was rewritten since, though the key signed all of it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from indelible import memory
from indelible.errors import LogError
from indelible.log import Log
from indelible.merkle.key import SigningKey
from indelible.verify import Report, verify_log
from tests.cli.conftest import Shell
from tests.store.test_log import happened


@pytest.fixture
def ready(ready: Shell, tmp_path: Path) -> Shell:
    """A copy, to be rewritten."""
    mine = Shell(tmp_path)
    for each in ready.folder.glob("audit.db*"):
        shutil.copy(each, tmp_path)
    return mine


def rewrite(shell: Shell, entries: int) -> None:
    """With the key: another history of the same log, signed from its beginning."""
    key = (shell.folder / "audit.db.key").read_text()
    for each in shell.folder.glob("audit.db*"):
        each.unlink()
    (shell.folder / "audit.db.key").write_text(key)
    with Log.create(shell.log, SigningKey.parse(key).name) as log:
        log.append(happened() for _ in range(entries))


@pytest.mark.parametrize(("entries", "said"), [(5, "forked"), (9, "changed"), (2, "truncated"), (0, "truncated")])
def test_another_history_of_a_log_is_found_the_second_time(ready: Shell, entries: int, said: str) -> None:
    key = ready.verifier()
    ready.run("verify", ready.log, "--key", key)
    rewrite(ready, entries)
    assert said in ready.refused("verify", ready.log, "--key", key, code=3)
    assert said in ready.refused("verify", ready.log, "--key", key, code=3)  # what failed is not remembered


def test_another_history_as_json_lines_is_found_by_what_was_verified(ready: Shell) -> None:
    key, export, note = ready.verifier(), ready.folder / "log.jsonl", ready.folder / "note"

    def exported() -> None:
        export.write_bytes(ready.run("export", ready.log).stdout)
        note.write_bytes(ready.run("checkpoint", ready.log).stdout)

    exported()
    with export.open("ab") as file, Log.open(ready.log, sign=False) as log:  # what is not signed is not remembered
        file.write(log.line(4).replace(b'"seq":4', b'"seq":5') + b"\n")
    assert ready.run("verify", f"{export}", "--key", key, "--checkpoint", f"{note}").stdout.startswith(b"ok 6 ")
    exported()
    ready.run("verify", f"{export}", "--key", key, "--checkpoint", f"{note}")
    rewrite(ready, 7)
    exported()
    assert "changed" in ready.refused("verify", f"{export}", "--key", key, "--checkpoint", f"{note}", code=3)


def test_an_older_copy_is_not_called_tampered_with_once_a_newer_one_was_verified(ready: Shell) -> None:
    """Nor is it called good: that it is a beginning of what was verified since, nothing in it can show."""
    key, (mirror, export, note, bundle) = ready.verifier(), [f"{ready.folder}/{n}" for n in ("m", "l.jsonl", "n", "b")]
    ready.run("publish", ready.log, mirror)
    ready.run("export", ready.log, "-o", export)
    ready.run("export", ready.log, "--proof", "-o", bundle)
    Path(note).write_bytes(ready.run("checkpoint", ready.log).stdout)
    with Log.open(ready.log) as log:
        log.append(happened() for _ in range(2))
    ready.run("verify", ready.log, "--key", key)
    for copy in ([mirror], [export, "--checkpoint", note]):
        said = ready.refused("verify", *copy, "--key", key, code=3)
        assert "truncated: the 5 entries that are here are as they were signed; 7 were verified before" in said
        assert "A newer copy or the log itself shows" in said
        assert "Restore" not in said
    done = ready.run("verify", bundle, "--key", key)
    assert done.stdout.startswith(b"ok 5 ")
    assert b"7 were verified before" in done.stderr
    assert b"A newer copy or the log itself shows" in done.stderr


def test_a_mirror_that_is_cut_below_what_its_checkpoints_signed_is_to_be_restored(ready: Shell) -> None:
    key, mirror, newer = ready.verifier(), ready.folder / "m", ready.folder / "newer"
    ready.run("publish", ready.log, f"{mirror}")
    with Log.open(ready.log) as log:
        log.append(happened() for _ in range(2))
    ready.run("publish", ready.log, f"{newer}")
    ready.run("verify", ready.log, "--key", key)
    for each in (newer / "checkpoints").iterdir():
        shutil.copy(each, mirror / "checkpoints")
    said = ready.refused("verify", f"{mirror}", "--key", key, code=3)
    assert "truncated: 7 entries were signed and 5 are there" in said
    assert "Restore the newest one" in said


def test_a_log_whose_checkpoints_are_gone_is_not_what_the_key_signed(ready: Shell) -> None:
    """Written anew with another key, which left its memory beside it: no signature is under that."""
    key = ready.verifier()
    for each in ready.folder.glob("audit.db*"):
        each.unlink()
    with Log.create(ready.log, SigningKey.generate(key.split("+")[0]).verifier.name) as log:
        log.append(happened() for _ in range(7))
    with closing(sqlite3.connect(ready.folder / "audit.db")) as db:
        refusing = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in refusing:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM checkpoint")
        db.execute("UPDATE property SET value = ? WHERE name = 'verifier'", (key,))
        for _, made in refusing:
            db.execute(made)
        db.commit()
    assert "of 7 entries none is signed with" in ready.refused("verify", ready.log, "--key", key, code=3)
    (ready.folder / "audit.db.key.state").unlink()
    assert "of 7 entries none is signed with" in ready.refused("verify", ready.log, "--key", key, code=3)


def test_a_log_that_grew_is_the_same_log(ready: Shell) -> None:
    ready.run("verify", ready.log)
    with Log.open(ready.log) as log:
        log.append([happened()])
    ready.run("verify", ready.log)
    ready.run("verify", ready.log, "--key", ready.verifier())


def test_each_key_has_a_memory_of_its_own(ready: Shell, tmp_path: Path) -> None:
    ready.run("verify", ready.log)
    with Log.create(f"sqlite:///{tmp_path}/other.db"):
        ready.run("verify", f"sqlite:///{tmp_path}/other.db")
    ready.run("verify", ready.log)


def test_where_nothing_can_be_kept_what_was_found_holds(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (ready.folder / "file").touch()
    monkeypatch.setenv("INDELIBLE_MEMORY", f"{ready.folder}/file/below")
    done = ready.run("verify", ready.log)
    assert done.stdout.startswith(b"ok 5 ")
    assert b"Set INDELIBLE_MEMORY to a folder of yours" in done.stderr


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"verifier":"x","size":1,"root":""}'])
def test_a_damaged_memory_is_not_passed_over(ready: Shell, damage: bytes) -> None:
    ready.run("verify", ready.log)
    (kept,) = memory.folder().iterdir()
    kept.write_bytes(damage)
    assert f"cannot be read from {kept}" in ready.refused("verify", ready.log, code=1)


def test_what_is_kept_is_whole_or_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = SigningKey.generate("audit.example/test").verifier
    memory.remember(key, 5, b"r" * 32)

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory, "sync", full)
    with pytest.raises(LogError, match="No space left on device"):
        memory.remember(key, 6, b"s" * 32)
    found = memory.recall(key)
    assert found is not None
    assert (found.size, found.root) == (5, b"r" * 32)
    assert len(list(memory.folder().iterdir())) == 1
    shutil.rmtree(tmp_path / "verified")
    assert memory.recall(key) is None


def test_a_verify_that_began_earlier_takes_nothing_back(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ready.verifier()

    def slow(*arguments: Any, **options: Any) -> Report:
        found = verify_log(*arguments, **options)
        with monkeypatch.context() as patch, Log.open(ready.log) as log:
            patch.setattr("indelible.cli.verifying.verify_log", verify_log)
            log.append([happened()])
            assert ready.run("verify", ready.log, "--key", key).stdout.startswith(b"ok 6 ")
        return found

    monkeypatch.setattr("indelible.cli.verifying.verify_log", slow)
    assert ready.run("verify", ready.log, "--key", key).stdout.startswith(b"ok 5 ")
    (kept,) = memory.folder().iterdir()
    assert b'"size":6' in kept.read_bytes()


def test_the_home_of_a_user_has_a_place_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INDELIBLE_MEMORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert memory.folder() == tmp_path / "indelible" / "verified"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert memory.folder() == tmp_path / "home" / ".local" / "state" / "indelible" / "verified"
