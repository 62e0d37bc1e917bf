"""The secrets of endpoints are derived: the same each time, of no database, and of one key."""

import base64
import threading
from pathlib import Path

import pytest

from indelible.errors import LogError, UsageError
from indelible.webhooks.secret import VARIABLE, Secrets, key_path
from indelible.work.place import open_work
from tests.webhooks.conftest import Hooked


def kept(path: Path, folder: Path, name: str = "a") -> Secrets:
    work = open_work(f"sqlite:///{folder}/{name}.db")
    try:
        return Secrets.kept(path, work)
    finally:
        work.close()


def test_an_endpoint_has_the_same_secret_each_time_and_another_one_after_each_rotation(tmp_path: Path) -> None:
    first, again = kept(tmp_path / "k", tmp_path), kept(tmp_path / "k", tmp_path)
    assert first.of("wh_1", 1).shared == again.of("wh_1", 1).shared
    found = [first.of(id_, generation) for id_ in ("wh_1", "wh_2", "wh_11") for generation in (1, 2, 11)]
    assert len({each.shared for each in found} | {each.public for each in found}) == 2 * len(found)


def test_two_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept(tmp_path / "k", tmp_path).of("wh_1", 1).shared))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0


def test_another_key_than_the_one_that_signed_is_refused(tmp_path: Path) -> None:
    kept(tmp_path / "k", tmp_path)
    (tmp_path / "k").unlink()
    with pytest.raises(LogError, match="is not the one that webhooks were signed with"):
        kept(tmp_path / "k", tmp_path)


def test_a_key_that_was_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"short")
    with pytest.raises(LogError, match="has 5 bytes"):
        kept(tmp_path / "k", tmp_path)


def test_the_environments_key_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, base64.b64encode(bytes(32)).decode())
    assert kept(tmp_path / "k", tmp_path).of("wh_1", 1).shared == Secrets(bytes(32)).of("wh_1", 1).shared
    assert not (tmp_path / "k").exists()
    for wrong in ("no base64!", base64.b64encode(bytes(31)).decode()):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(UsageError, match="openssl rand"):
            kept(tmp_path / "k", tmp_path, "b")


def test_no_database_holds_a_secret(hooked: Hooked) -> None:
    endpoint, secret = hooked.add("https://hooks.example.com/x")
    key = key_path(hooked.log.store.key_path).read_bytes()
    for needle in (secret.symmetric, secret.shared[6:].encode(), key, base64.b64encode(key)):
        for path in hooked.log.store.key_path.parent.glob("audit.db*"):
            assert path.name == "audit.db.key.webhooks" or needle not in path.read_bytes()
        assert needle not in b"".join(line for _, _, line in hooked.log.leaves(0, 100))
    assert endpoint.generation == 1
