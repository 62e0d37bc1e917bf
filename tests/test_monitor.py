"""An edit of the log is noticed while the server runs, told by its health, and recorded; an honest writer is not."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from indelible import monitor
from indelible.errors import VerificationError
from indelible.event import EPOCH, Entity, Entry, Organization
from indelible.log import Log
from indelible.monitor import Monitor
from indelible.upkeep import Upkeep
from indelible.verify import Report, verify_log
from tests.attacks import ATTACKS, Attack
from tests.checking import check_signed, on_sqlite, refusing
from tests.shell import Shell, shell
from tests.store.test_log import happened
from tests.world import World

Edit = Callable[[Callable[[Shell], object]], None]
SOON = 20.0  # seconds; the promise is 60


@pytest.fixture
def log(log_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(monitor, "LOOK", 0.05)
    with Log.create(log_url) as made:
        made.append(happened(reason=f"{number}") for number in range(50))
        yield made


@pytest.fixture
def watching(log: Log) -> Iterator[Monitor]:
    """Its first pass is over."""
    made = Monitor(log)
    made.check()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def edit(log: Log, log_url: str) -> Edit:
    """As an owner can, from another program."""

    def do(change: Callable[[Shell], object]) -> None:
        with shell(log, log_url) as db:
            db.disarm()
            change(db)

    return do


def soon(holds: Callable[[], object]) -> bool:
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def restarted(log: Log) -> Monitor:
    """That takes no look at what the editor took away to edit."""
    made = Monitor(log)
    made._deep = False
    return made


def alarms(log: Log) -> list[Entry]:
    found = [log.entry(seq) for seq in range(50, log.head().size)]
    return [entry for entry in found if entry.action == "AUDIT_TAMPERING_DETECTED"]


def changed(db: Shell) -> None:
    ((line,),) = db.rows("SELECT line FROM leaf WHERE seq = 7")
    db.run("UPDATE leaf SET line = ? WHERE seq = 7", line.replace(b"dana", b"kimm"))


def test_an_edit_is_noticed_at_once_and_recorded_once(log: Log, edit: Edit, watching: Monitor) -> None:
    edit(changed)
    assert soon(lambda: alarms(log))
    health = watching.told({"status": "ok", "size": 50})
    assert health["status"] == "failing"
    assert health["tampering"] == "changed: entry 7 is not the line that was sealed."
    watching.check()
    watching.check()
    (entry,) = alarms(log)
    assert (entry.metadata, entry.outcome, entry.actor.id) == ({"kind": "changed", "seq": 7}, "failure", "monitor")


def test_a_finding_that_is_on_record_is_not_recorded_again_after_a_restart(log: Log, edit: Edit) -> None:
    edit(changed)
    first, again = Monitor(log), Monitor(log)
    first.check()
    assert str(again.check()) == str(first.alarm)
    (entry,) = alarms(log)
    assert again.found.at == first.found.at == datetime.fromisoformat(entry.occurred_at)


def test_the_same_edit_after_it_was_mended_is_another_finding(log: Log, edit: Edit) -> None:
    line, watching = log.line(7), Monitor(log)
    watching.check()
    for _ in range(2):
        edit(changed)
        assert watching.check()
        edit(lambda db: db.run("UPDATE leaf SET line = ? WHERE seq = 7", line))
        assert watching.check() is None
    assert [entry.metadata["seq"] for entry in alarms(log)] == [7, 7]


def test_the_end_of_an_alarm_is_on_record_once_and_parts_it_from_the_next_across_restarts(log: Log, edit: Edit) -> None:
    line = log.line(7)
    for _ in range(2):
        edit(changed)
        watching, other = restarted(log), restarted(log)
        assert watching.check()
        edit(lambda db: db.run("UPDATE leaf SET line = ? WHERE seq = 7", line))
        assert other.check() is None  # who has not seen it does not say that it is over
        assert [watching.check() for _ in range(2)] == [None, None]
    found = [log.entry(seq) for seq in range(50, log.head().size)]
    assert [(entry.action.removeprefix("AUDIT_TAMPERING_"), entry.outcome) for entry in found] == [
        ("DETECTED", "failure"), ("ENDED", "success"),
    ] * 2  # fmt: skip


def test_an_end_that_the_log_refuses_is_on_record_later(
    log: Log, edit: Edit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    line, watching = log.line(7), restarted(log)
    edit(changed)
    watching.check()
    edit(lambda db: db.run("UPDATE leaf SET line = ? WHERE seq = 7", line))
    with refusing(log, monkeypatch):
        assert watching.check() is None
        assert "That the alarm is over is no entry of the log yet" in caplog.text
    watching.check()
    assert log.entry(log.head().size - 1).action == "AUDIT_TAMPERING_ENDED"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_what_verify_finds_is_found_here(world: World, attack: Attack) -> None:
    with world.log as log:
        for batch in (range(4), range(4, 8), range(8, 10)):
            log.append(
                happened(entity=Entity("License", f"{i}"), organization=Organization("acme", "Acme")) for i in batch
            )
        watching = Monitor(log)
        with world.shell() as db:
            db.disarm()
            attack.do(db)
        found = watching.check()
    assert found is not None
    assert (found.kind, found.seq) == (attack.kind, attack.seq)


def test_who_appends_and_signs_elsewhere_is_no_reason_to_hurry(
    log: Log, log_url: str, watching: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[bool] = []
    monkeypatch.setattr(watching, "check", lambda *, urgent: passes.append(urgent))
    with Log.open(log_url) as other:
        for _ in range(20):
            other.append([happened()])
            log.append([happened()])
            time.sleep(0.03)
    assert True not in passes
    assert len(check_signed(log)) == 90


def test_a_log_that_grows_while_it_is_read_is_no_alarm(log: Log) -> None:
    watching, stopped = Monitor(log), threading.Event()

    def grow() -> None:
        while not stopped.is_set():
            log.append(happened() for _ in range(20))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        assert [watching.check() for _ in range(10)] == [None] * 10
    finally:
        stopped.set()
        thread.join()


def test_an_edit_behind_the_back_of_a_pass_does_not_wait_for_the_next(
    log: Log, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching, edited = Monitor(log), threading.Event()
    look = watching.check

    def check(*, urgent: bool = True) -> VerificationError | None:
        found = look(urgent=urgent)
        if not edited.is_set():
            edit(changed)
            edited.set()
        return found

    monkeypatch.setattr(watching, "check", check)
    watching.start()
    try:
        assert soon(lambda: watching.alarm)
    finally:
        watching.stop()


def test_what_is_mended_is_no_alarm_any_more_and_the_next_edit_is_one(log: Log, edit: Edit, watching: Monitor) -> None:
    line = log.line(7)
    edit(changed)
    assert soon(lambda: watching.alarm)
    edit(lambda db: db.run("UPDATE leaf SET line = ? WHERE seq = 7", line))
    assert soon(lambda: watching.alarm is None)
    edit(lambda db: db.run("UPDATE leaf SET line = ? WHERE seq = 9", b"x"))
    assert soon(lambda: watching.alarm)
    assert soon(lambda: [entry.metadata["seq"] for entry in alarms(log)] == [7, 9])


def test_bytes_edited_in_the_file_are_found_by_the_next_pass(world: World) -> None:
    log = world.log
    log.append(happened(reason=f"{number}") for number in range(50))
    on_sqlite(log).select("PRAGMA wal_checkpoint(TRUNCATE)")
    path = on_sqlite(log).path
    data = path.read_bytes()
    assert b'"reason":"7"' in data
    path.write_bytes(data.replace(b'"reason":"7"', b'"reason":"8"'))
    with Log.open(f"sqlite:///{path}") as opened:
        found = Monitor(opened).check()
        assert found is not None
        assert (found.kind, found.seq) == ("changed", 7)


def test_what_only_a_deep_pass_finds_is_an_alarm_until_it_is_mended(edit: Edit, watching: Monitor) -> None:
    edit(lambda _: None)  # what refuses is gone
    assert watching.check() is None
    assert watching.check(deep=True)
    found = watching.check()
    assert found is not None
    assert found.kind == "schema"


def test_it_stops_within_a_pass(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(happened() for _ in range(3000))
    monkeypatch.setattr(monitor, "SHARE", 1e-4)
    watching = Monitor(log)
    watching.start()
    time.sleep(0.5)
    start = time.monotonic()
    watching.stop()
    assert time.monotonic() - start < SOON / 2


def test_a_pass_that_fails_is_tried_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Monitor(log, every=0.1)
    calls: list[int] = []

    def fails_once(*args: Any, **named: Any) -> Report:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the disk is away")
        return verify_log(*args, **named)

    monkeypatch.setattr(monitor, "verify_log", fails_once)
    watching.start()
    try:
        assert soon(lambda: len(calls) > 2)
    finally:
        watching.stop()


def test_a_server_that_is_told_to_stop_waits_for_no_verification_and_the_next_one_begins_it_anew(
    log: Log, log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(happened() for _ in range(3000))
    monkeypatch.setattr(monitor, "SHARE", 1e-6)  # as of a log that takes an hour
    upkeep = Upkeep(log, log_url, [])
    runs = upkeep.desk.scheduler.runs
    runs.known_since("verification", EPOCH)
    upkeep.start()
    assert soon(lambda: [run.state for run in runs.newest(job="verification")] == ["running"])
    ending = threading.Thread(target=upkeep.stop)
    ending.start()
    ending.join(5)
    ended = not ending.is_alive()
    upkeep._monitor._stopped.set()  # it ends all the same
    ending.join()
    assert ended
    assert [run.state for run in runs.newest(job="verification")] == ["running"]  # who runs jobs next finds it so
    upkeep.close()
    monkeypatch.undo()
    following = Upkeep(log, log_url, [])
    following.start()
    assert soon(lambda: [(run.state, run.tries) for run in following.desk.scheduler.runs.newest(job="verification")]
                == [("done", 2)])  # fmt: skip
    following.close()
