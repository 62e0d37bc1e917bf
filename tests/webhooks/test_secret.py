"""The secrets of endpoints are derived: the same each time, of no database, and of one key."""

import base64
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indelible.background import Free
from indelible.errors import LogError, UsageError
from indelible.upkeep import Upkeep
from indelible.webhooks.secret import VARIABLE, Secrets, key_path
from indelible.webhooks.service import Webhooks
from indelible.work.place import open_work
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA, LOOPBACK, Hooked
from tests.webhooks.receiver import Receiver


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


def test_a_key_that_was_lost_is_made_anew_where_there_is_no_endpoint(tmp_path: Path) -> None:
    before = kept(tmp_path / "k", tmp_path).token("x")
    (tmp_path / "k").unlink()
    after = kept(tmp_path / "k", tmp_path)
    assert after.problem is None
    assert after.token("x") != before
    assert kept(tmp_path / "k", tmp_path).of("wh_1", 1).shared == after.of("wh_1", 1).shared


def test_a_key_that_was_cut_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"short")
    cut = kept(tmp_path / "k", tmp_path)
    with pytest.raises(LogError, match="has 5 bytes"):
        cut.of("wh_1", 1)
    with pytest.raises(LogError, match="has 5 bytes"):
        cut.token("x")


def test_another_key_than_the_one_they_were_added_with_signs_nothing_until_they_are_added_again(
    hooked: Hooked, receiver: Receiver
) -> None:
    path, (old, _) = key_path(hooked.log.store.key_path), hooked.add(receiver.url)
    path.unlink()
    now = Webhooks(hooked.log, hooked.work, Secrets.kept(path, hooked.work), allowed=LOOPBACK, pages="").endpoints
    assert now.problem is not None
    assert "indelible webhooks remove LOG ID" in now.problem
    assert now.public_keys(old) == []
    with pytest.raises(LogError, match="is not the one that the webhooks were added with"):
        now.add(receiver.url, DANA)
    with pytest.raises(LogError, match="is not the one that the webhooks were added with"):
        now.rotate(old.id, DANA)
    assert now.all() == [old]
    now.remove(old.id, DANA)
    new, secret = now.add(receiver.url, DANA)
    assert now.secrets(new, datetime.now(UTC))[0].shared == secret.shared
    assert now.signs()
    assert not hooked.webhooks.endpoints.signs()  # who still has the old one


def test_two_machines_with_keys_of_their_own_do_not_argue_while_there_is_no_webhook(
    hooked: Hooked, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [Secrets.kept(tmp_path / name, hooked.work) for name in "ab"]
    caplog.clear()
    both = [Webhooks(hooked.log, hooked.work, key, allowed=LOOPBACK, pages="").endpoints for key in keys]
    assert [each.signs() for _ in range(3) for each in both] == [True] * 6
    assert not caplog.records
    both[0].add(receiver.url, DANA)
    assert [each.signs() for _ in range(2) for each in both] == [True, False] * 2


def test_without_its_key_webhooks_stop_and_all_else_goes_on(
    hooked: Hooked, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.0/8")
    hooked.add(receiver.url)
    key_path(hooked.log.store.key_path).unlink()
    with closing(Upkeep(hooked.log, hooked.log_url, [])) as upkeep:
        upkeep.start()
        hold = upkeep.turn("app")()
        assert hold is not None
        assert not isinstance(hold, Free)
        hold.release()
        assert "verification" in [job.name for job in upkeep.desk.scheduler.jobs]
        assert "is not the one that the webhooks were added with" in upkeep.told({"status": "ok"})["undelivered"]
        hooked.log.append([happened()])
        time.sleep(1.5)
    assert receiver.got == []


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
