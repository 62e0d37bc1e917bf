"""A log's key is changed by both; whoever pinned an old one follows; one that was stolen counts for nothing more."""

import json
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from indelible.errors import LogError, MalformedError, NotFoundError, UsageError, VerificationError
from indelible.event import Organization
from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import SigningKey, Verifier
from indelible.merkle.keyring import KeyChange, Keyring
from indelible.publish.folder import publish
from indelible.signer import Signer
from indelible.verify import verify_log, verify_tiles
from tests.attacks import run
from tests.checking import check_signed
from tests.shell import Shell
from tests.store.test_log import happened
from tests.world import World


@pytest.fixture
def world(either: World) -> World:
    """On every store; seven entries of one organization."""
    either.log.append(happened(organization=Organization("acme", "Acme")) for _ in range(7))
    return either


def beside(log: Log, suffix: str) -> Path:
    path = log.store.key_path
    return path.with_name(f"{path.name}.{suffix}")


def grow(log: Log) -> None:
    log.append(happened() for _ in range(3))
    check_signed(log)


def test_a_new_key_signs_from_there_on_and_every_key_verifies_the_whole(world: World, tmp_path: Path) -> None:
    log, keys = world.log, [world.log.verifier]
    log.organization_checkpoint("acme")
    for number in range(3):
        size = log.head().size
        change = log.change_key()
        assert (change.size, change.good, change.old) == (size, size, keys[-1])
        entry = log.entry(size)
        assert (entry.action, entry.changes) == (
            "AUDIT_KEY_ROTATED", {"verifier": {"old": str(change.old), "new": str(change.new)}},
        )  # fmt: skip
        assert stat.S_IMODE(log.store.key_path.stat().st_mode) == 0o600
        assert SigningKey.parse(log.store.key_path.read_text()).verifier == change.new == log.verifier
        assert SigningKey.parse(beside(log, f"until-{size}").read_text()).verifier == change.old
        keys.append(change.new)
        log.organization_checkpoint("acme")
        grow(log)
        assert publish(log, tmp_path / "mirror") == log.head().size == 7 + 4 * (number + 1)
    with (tmp_path / "log.zip").open("wb") as file:
        write_bundle(log, file)
    with (tmp_path / "acme.zip").open("wb") as file:
        write_bundle(log, file, "acme")
    for key in keys:
        assert verify_log(log, key).size == 19
        assert verify_tiles(tmp_path / "mirror", key).size == 19
        assert alone.check(alone.Files(tmp_path / "log.zip"), str(key))[1] == 19
        assert alone.check(alone.Files(tmp_path / "acme.zip"), str(key))[1] == 7
    with Log.open(world.log_url) as again:
        grow(again)


def test_a_process_that_had_the_log_open_signs_with_the_new_key(world: World) -> None:
    with Log.open(world.log_url) as other:
        change = world.log.change_key()
        grow(other)
        assert other.verifier == change.new
        Checkpoint.open(other.checkpoint() or "", change.new)


def forged(log: Log, key: SigningKey, size: int) -> str:
    return Checkpoint(log.origin, size, log.tree(size).root).sign(key)


def test_a_stolen_key_counts_for_nothing_more(world: World) -> None:
    log = world.log
    stolen = SigningKey.parse(log.store.key_path.read_text())
    grow(log)
    change = log.change_key(7)
    assert (change.size, change.good) == (10, 7)
    assert (log.entry(10).action, log.entry(10).metadata) == ("AUDIT_KEY_REVOKED", {"good": 7})
    grow(log)
    for key in (stolen.verifier, change.new):
        assert verify_log(log, key, forged(log, stolen, 7)).size == 14  # as it was signed when the key was good
        for size in (8, 10, 14):
            with pytest.raises(VerificationError, match="it was changed or revoked then"):
                verify_log(log, key, forged(log, stolen, size))
    with world.shell() as db:
        db.disarm()
        db.insert("checkpoint", size=12, note=db.text(Checkpoint(log.origin, 12, b"x" * 32).sign(stolen)))
    verify_log(log, change.new, files=False)  # what it signs now is no evidence, for or against


@pytest.mark.parametrize("good", [-1, 8, 99])
def test_a_size_that_was_not_signed_is_no_last_good_one(world: World, good: int) -> None:
    with pytest.raises(UsageError, match="is no size up to which it was good"):
        world.log.change_key(good)
    assert world.log.store.key_changes() == []
    grow(world.log)


class Crash(BaseException):
    """As a kill -9 would leave it."""


def crash(*_: object) -> None:
    raise Crash


REPLACE = Path.replace


def crash_at_the_next(path: Path, to: Path) -> Path:
    if path.name.endswith(".next"):
        raise Crash
    return REPLACE(path, to)


@pytest.mark.parametrize("moment", ["before the note", "behind the note", "between the files"])
def test_a_crash_leaves_the_old_key_or_the_new_one(world: World, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log, before = world.log, world.log.verifier
    with monkeypatch.context() as patched:
        if moment == "before the note":
            patched.setattr(log.store, "add_key_change", crash)
        elif moment == "behind the note":
            patched.setattr(Signer, "_promote", crash)
        else:
            patched.setattr(Path, "replace", crash_at_the_next)
        with pytest.raises(Crash):
            log.change_key()
    log.close()
    with Log.open(world.log_url) as again:
        assert (again.verifier == before) == (moment == "before the note")
        grow(again)
        again.change_key()
        grow(again)
        assert verify_log(again, before).size == again.head().size
    world.log = Log.open(world.log_url)


ATTACKS: dict[str, Callable[[Shell], object]] = {
    "removed": run("DELETE FROM key_change"),
    "the first removed": run("DELETE FROM key_change WHERE number = 0"),
    "edited": lambda db: db.replace("key_change", "note", "\n7\n", "\n6\n"),
    "emptied": lambda db: db.run("UPDATE key_change SET note = ?", db.text("")),
    "swapped": run("UPDATE key_change SET number = 2 WHERE number = 0"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_changes_that_are_not_those_that_were_signed_are_found(world: World, name: str) -> None:
    first = world.log.verifier
    for _ in range(2):
        world.log.change_key()
        grow(world.log)
    with world.shell() as db:
        db.disarm()
        ATTACKS[name](db)
    with pytest.raises(VerificationError) as found:
        verify_log(world.log, first)
    assert found.value.kind == "re-signed"


def test_a_change_that_only_the_thief_has_signed_leads_nowhere(world: World) -> None:
    log, first = world.log, world.log.verifier
    thief = SigningKey.generate(log.origin)
    made = KeyChange(7, 7, first, thief.verifier)
    log.store.add_key_change(0, thief.sign(str(made)))
    with pytest.raises(VerificationError, match="do not follow from"):
        verify_log(log, first)
    with pytest.raises(MalformedError):
        log.append([happened()])


SIGNS = """
import base64, sys
from indelible.merkle.key import SigningKey
key = SigningKey.parse(open({path!r}).read())
if sys.argv[1] == "verifier":
    print(key.verifier)
else:
    text = sys.stdin.buffer.read().decode()
    print(base64.b64encode(base64.b64decode(key.line(text).split()[-1])[4:]).decode())
"""


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    made = SigningKey.generate("audit.example/kms")
    (tmp_path / "kms.key").write_text(made.export())
    (tmp_path / "kms.py").write_text(SIGNS.format(path=str(tmp_path / "kms.key")))
    return made


@pytest.mark.parametrize("source", ["environment", "command"])
def test_a_key_need_not_be_in_a_file(
    log_url: str, tmp_path: Path, key: SigningKey, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "environment":
        monkeypatch.setenv("INDELIBLE_KEY", key.export())
    else:
        monkeypatch.setenv("INDELIBLE_KEY_COMMAND", f"{sys.executable} {tmp_path}/kms.py")
    with pytest.raises(LogError, match=r"The key of the environment is for audit\.example/kms"):
        Log.create(log_url, "audit.example/other")
    with Log.create(log_url) as log:
        log.append(happened() for _ in range(3))
        assert log.verifier == key.verifier
        assert len(check_signed(log)) == 3
        assert not log.store.key_path.exists()
        assert log.organization_checkpoint("acme")[0] == 3
        with pytest.raises(UsageError, match="Change it where it is kept"):
            log.change_key()
        path = log.store.key_path
    secret = key.export().encode()
    assert not [file for file in path.parent.rglob("*") if file.is_file() and secret in file.read_bytes()
                and file.name != "kms.key"]  # fmt: skip
    with Log.open(log_url) as log:
        log.append([happened()])
        assert len(check_signed(log)) == 4
    monkeypatch.delenv("INDELIBLE_KEY" if source == "environment" else "INDELIBLE_KEY_COMMAND")
    with pytest.raises(NotFoundError, match=r"signing key .* is missing"):
        Log.open(log_url)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "failed at `verifier`"),
        ("print('no key')", "no verifier key"),
        (SIGNS.replace("[4:]", "[:-4]"), "gave a signature that is not by"),
        (SIGNS.replace("key.line(text)", "key.line(text + 'x')"), "gave a signature that is not by"),
    ],
)
def test_a_command_that_does_not_sign_makes_no_checkpoint(
    tmp_path: Path, key: SigningKey, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/kms.db"
    monkeypatch.setenv("INDELIBLE_KEY_COMMAND", f"{sys.executable} {tmp_path}/kms.py")
    with Log.create(url) as log:
        log.append([happened()])
    (tmp_path / "kms.py").write_text(code.replace("{path!r}", repr(str(tmp_path / "kms.key"))))
    with pytest.raises((LogError, MalformedError), match=said), Log.open(url) as log:
        log.append([happened()])
    with Log.open(url, sign=False) as log:
        assert (log.head().size, log.signed_size()) == (2 if "signature" in said else 1, 1)
        assert verify_log(log, key.verifier).size == log.head().size


def test_a_folder_of_keys_that_was_taken_away_is_found(world: World, tmp_path: Path) -> None:
    first = world.log.verifier
    world.log.change_key()
    publish(world.log, tmp_path / "mirror")
    assert verify_tiles(tmp_path / "mirror", first).size == 8
    (tmp_path / "mirror/keys/000000000000").unlink()
    with pytest.raises(VerificationError, match="does not open with the key"):
        verify_tiles(tmp_path / "mirror", first)
    assert verify_tiles(tmp_path / "mirror", world.log.verifier).size == 8


def test_a_bundle_s_keys_are_checked_by_the_program_in_it(world: World, tmp_path: Path) -> None:
    first = world.log.verifier
    world.log.change_key()
    with (tmp_path / "log.zip").open("wb") as file:
        write_bundle(world.log, file)
    zipfile.ZipFile(tmp_path / "log.zip").extractall(tmp_path / "log")
    path = tmp_path / "log/keys"
    text = path.read_text()
    for changed in ("[]", "", "{", '["x"]', text.replace("\\n7\\n", "\\n6\\n", 1), "[1]", text.replace("v1", "v2")):
        path.write_text(changed)
        with pytest.raises(alone.Refused, match="re-signed"):
            alone.check(alone.Files(tmp_path / "log"), str(first))
    path.write_text(text)
    assert alone.check(alone.Files(tmp_path / "log"), str(first))[1] == 8


def test_whoever_stole_a_revoked_key_proves_nothing_by_another_to_whoever_has_the_new_one(
    world: World, tmp_path: Path
) -> None:
    stolen, thief = SigningKey.parse(world.log.store.key_path.read_text()), SigningKey.generate(world.log.origin)
    grow(world.log)
    world.log.change_key(3)
    (true,) = world.log.store.key_changes()
    size = world.log.head().size
    for made_at in (4, size, 10**6):
        made = KeyChange(made_at, made_at, thief.verifier, stolen.verifier).sign(thief, stolen)
        folder = tmp_path / f"{made_at}"
        with Log.create(f"sqlite:///{tmp_path}/true.{made_at}.db", world.log.origin) as other:
            grow(other)
            other.append([happened()])
            root = other.tree(4).root
            with (tmp_path / "forged.zip").open("wb") as file:
                write_bundle(other, file)
            note = Checkpoint(other.origin, 4, root).sign(thief)
        zipfile.ZipFile(tmp_path / "forged.zip").extractall(folder)
        (folder / "checkpoint").write_text(note)
        (folder / "keys").write_text(json.dumps([made, true]))
        with pytest.raises(alone.Refused, match="are no chain"):
            alone.check(alone.Files(folder), str(world.log.verifier))
        with pytest.raises(MalformedError, match="are no chain"):
            Keyring(world.log.verifier, [made, true])


def test_what_it_was_verified_by_is_the_key_that_was_pinned(world: World) -> None:
    first = world.log.verifier
    world.log.change_key()
    keys = world.log.keys
    assert isinstance(keys, Keyring)
    assert (keys.pinned, keys.current) == (first, world.log.verifier)
    assert isinstance(keys.current, Verifier)
