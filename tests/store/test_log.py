"""The log as the library gives it: all of a batch or none, dense, each event once, errors with their remedy."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from indelible.errors import ConflictError, Error, EventError, LogError, MalformedError, NotFoundError, UsageError
from indelible.event import Actor, Entity, Event, Organization
from indelible.log import Log
from indelible.urls import sqlite_path
from tests.checking import check, check_signed
from tests.world import World


def happened(id_: UUID | None = None, **fields: Any) -> Event:
    given: dict[str, Any] = {
        "action": "LICENSE_ASSIGNED", "operation": "update", "entity": Entity("License", "lic_9"),
        "occurred_at": datetime(2026, 11, 20, tzinfo=UTC), "actor": Actor(id="dana"), "id": id_ or uuid4(),
    }  # fmt: skip
    return Event(**(given | fields))


def test_events_get_dense_numbers_and_a_signature(world: World) -> None:
    assert world.log.append([happened() for _ in range(3)]) == [0, 1, 2]
    assert world.log.append([]) == []
    assert world.log.append([happened()]) == [3]
    assert len(check_signed(world.log)) == 4


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "assigned"}, "action"),
        ({"action": "LICENSE_" + "X" * 100}, "action"),
        ({"entity": Entity("", "1")}, "entity"),
        ({"entity": Entity("License", "")}, "entity"),
        ({"occurred_at": datetime(2026, 11, 20)}, "occurred_at"),  # noqa: DTZ001 - what is to be refused
    ],
)
def test_an_event_that_cannot_be_an_entry_takes_the_whole_batch_with_it(
    world: World, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(EventError) as caught:
        world.log.append([happened(), happened(**fields)])
    assert caught.value.field == field
    assert check(world.log) == []
    world.log.append([happened()])
    assert len(check_signed(world.log)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "x" * 70_000},
        {"reason": "\ud800"},
        {"metadata": {"x": object()}},
        {"entity": Entity("T", "k" * 70_000)},
    ],
    ids=["too long", "no UTF-8", "no JSON", "key too long"],
)
def test_what_has_no_line_is_an_error_of_ours_and_nothing_is_written(world: World, fields: dict[str, Any]) -> None:
    with pytest.raises(Error):
        world.log.append([happened(), happened(**fields)])
    assert check(world.log) == []


def test_the_same_event_twice_is_refused(world: World) -> None:
    event = happened()
    world.log.append([event])
    with pytest.raises(LogError, match=r"each once"):
        world.log.append([happened(), event])
    assert len(check_signed(world.log)) == 1


def test_times_of_any_zone_are_written_in_utc(world: World) -> None:
    zone = timezone(timedelta(hours=-7))
    world.log.append([happened(occurred_at=datetime(2026, 11, 20, 17, 14, 3, 512345, zone))])
    assert world.log.entry(0).occurred_at == "2026-11-21T00:14:03.512345Z"


def test_somebody_who_moved_the_head_costs_a_conflict_and_nothing_is_written(world: World) -> None:
    """What a sealer that ignores the lock would do, seen from inside the transaction."""
    file = world.log_url.startswith("sqlite:")

    def append_to_a_moving_log() -> None:
        with world.log.store.appending() as appending:
            appending.add(happened())
            moved = "UPDATE head SET size = size + 1" if file else "UPDATE indelible_log.head SET size = size + 1"
            appending._db.execute(moved)  # type: ignore[attr-defined]  # each store's has one

    with pytest.raises(ConflictError if file else LogError):  # a server's table refuses before the head is tried
        append_to_a_moving_log()
    assert check(world.log) == []


def test_threads_appending_at_once_lose_and_double_nothing(world: World) -> None:
    def work() -> None:
        for _ in range(10):
            world.log.append([happened(), happened()])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(check_signed(world.log)) == 80


def test_two_processes_teach_one_entity_all_its_names(world: World) -> None:
    """Each has a cache of the dictionary; neither may write over what the other learnt."""
    with Log.open(world.log_url) as other:
        for log, name in ((world.log, "Alpha"), (other, "Beta"), (world.log, "Gamma"), (other, "Delta")):
            log.append([happened(entity=Entity("License", "1", name))])
    with world.shell() as db:
        ((name, folded),) = db.rows("SELECT name, folded FROM entity")
        assert (name, folded) == (db.text("Delta"), db.text("1\nalpha\nbeta\ngamma\ndelta"))
    assert len(check_signed(world.log)) == 4


def test_an_empty_name_is_one_also_for_who_looks_it_up(world: World) -> None:
    world.log.append([happened(entity=Entity("License", "1", ""), organization=Organization("acme", ""))])
    with Log.open(world.log_url) as other, other.appending() as appending:
        assert (appending.names.entity_name("License", "1"), appending.names.organization_name("acme")) == ("", "")


def test_an_entry_that_is_not_there_is_named_with_the_newest(world: World) -> None:
    world.log.append([happened()])
    for seq in (-1, 1, 2**63, 2**80):
        with pytest.raises(NotFoundError, match=rf"no entry {seq}; the newest is 0"):
            world.log.line(seq)


def test_the_lines_of_a_stretch_come_some_at_a_time_in_their_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.store.promise.STRETCH", 7)
    world.log.append([happened(reason=str(number)) for number in range(31)])
    found = list(world.log.store.stretches(range(3, 40)))
    assert [some for some, _ in found] == [*(range(at, at + 7) for at in range(3, 38, 7)), range(38, 40)]
    assert [line for _, lines in found for line in lines] == [world.log.line(seq) for seq in range(3, 31)]
    assert list(world.log.store.stretches(range(3, 3))) == []


def test_a_log_is_not_made_over_another(world: World, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"exists already"):
        Log.create(world.log_url)
    check(world.log)
    (tmp_path / "new.db.key").write_text("somebody's")
    with pytest.raises(MalformedError):
        Log.create(f"sqlite:///{tmp_path}/new.db")


def test_of_a_log_that_is_gone_is_said_at_once_that_it_is_to_be_restored(tmp_path: Path) -> None:
    """The signer's memory says that there was one; a new one in its place would hide that."""
    url = f"sqlite:///{tmp_path}/a.db"
    with Log.create(url) as log:
        log.append([happened()])
        log.sign()
    (tmp_path / "a.db").rename(tmp_path / "elsewhere.db")
    began = time.monotonic()
    for make in (Log.create, Log.open_or_create):
        with pytest.raises(NotFoundError, match=r"a\.db is missing: .*a\.db\.key\.state.*Restore its newest copy"):
            make(url)
    assert time.monotonic() - began < 1
    (tmp_path / "elsewhere.db").rename(tmp_path / "a.db")
    with Log.open_or_create(url) as log:
        check_signed(log)


def test_a_key_that_signed_nothing_is_used_by_the_next_try(tmp_path: Path) -> None:
    """A crash between making the key and making the file."""
    url = f"sqlite:///{tmp_path}/a.db"
    with Log.create(url) as log:
        verifier = log.verifier
    (tmp_path / "a.db").unlink()
    with Log.create(url) as log:
        assert log.verifier == verifier


MAKES = "import sys; from indelible.log import Log; print(flush=True); Log.create(sys.argv[1]).close()"


def test_a_kill_while_the_log_is_made_leaves_a_log_or_nothing(tmp_path: Path) -> None:
    for moment in range(12):
        folder = tmp_path / str(moment)
        folder.mkdir()
        url = f"sqlite:///{folder}/a.db"
        process = subprocess.Popen([sys.executable, "-c", MAKES, url], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment * 0.002)
        process.kill()
        process.wait()
        process.stdout.close()
        with Log.open(url) if (folder / "a.db").exists() else Log.create(url) as log:
            assert check(log) == []
            log.append([happened()])
            assert len(check(log)) == 1


def test_what_is_no_log_is_refused_in_a_sentence(file_world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"Create it: indelible init"):
        Log.open(f"sqlite:///{tmp_path}/none.db")
    file_world.run("CREATE TABLE t (x)")
    with pytest.raises(LogError, match=r"is not a log"):
        Log.open(file_world.app_url)
    (tmp_path / "text.db").write_text("no database at all " * 100)
    with pytest.raises(LogError, match=r"not a database"):
        Log.open(f"sqlite:///{tmp_path}/text.db")


def test_a_log_with_another_key_beside_it_is_refused(world: World) -> None:
    key = world.log.store.key_path
    key.unlink()
    with pytest.raises(NotFoundError, match=r"signing key .* is missing"):
        Log.open(world.log_url)
    Log.create(f"sqlite:///{world.folder}/other.db", "audit.example/test").close()
    (world.folder / "other.db.key").rename(key)
    with pytest.raises(LogError, match=r"was made with another. Restore its key"):
        Log.open(world.log_url)
    Log.open(world.log_url, sign=False).close()


def test_what_could_not_be_signed_is_refused_before_it_is_sealed(world: World) -> None:
    size = world.log.head().size
    with Log.open(world.log_url, sign=False) as log:
        for append in log.append, log.append_once:
            with pytest.raises(LogError, match="without its key"):
                append([happened()])
    assert world.log.head().size == size


@pytest.mark.parametrize(
    "url", ["", "audit.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a\0b", "mysql://u:pw@h/db"]
)
def test_a_url_that_cannot_be_used_is_a_usage_error_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match=r"Give sqlite:///path/file.db or postgresql://user@host/name") as caught:
        sqlite_path(url)
    assert "pw" not in str(caught.value)


def test_processes_that_make_the_log_at_once_make_one(log_url: str) -> None:
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from indelible.log import Log
sys.stdin.read(1)
with Log.open_or_create({log_url!r}) as log:
    print(log.origin)
"""
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    time.sleep(1)
    for process in started:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    origins = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(origins) == 1


@pytest.mark.parametrize("text", ["ends\n", "\nbegins", "\n", "a\n\nb", "\r\n", " ", "\u2028", "ﬁ", "İ", "ß\n"])
def test_whatever_lines_a_name_has_the_index_says_what_the_line_says(world: World, text: str) -> None:
    """The second time, too, when the dictionaries know it."""
    for name in (None, None, text, text):
        world.log.append(
            [happened(
                actor=Actor(id=text, name=name), entity=Entity(text, text, name),
                organization=Organization(text, name),
            )]
        )  # fmt: skip
        check_signed(world.log)


def test_whether_it_can_be_written_is_told_while_somebody_writes(world: World) -> None:
    done = threading.Event()

    def ask() -> list[str | None]:
        told = []
        while not done.is_set():
            told.append(world.log.store.unwritable())
        return told

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(ask)
        try:
            for _ in range(30):
                world.log.append(happened() for _ in range(200))
        finally:
            done.set()
        assert set(asking.result()) == {None}
