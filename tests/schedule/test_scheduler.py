"""Each job runs once when it is due, by one process, and once more for all that it missed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from indelible.errors import LogError
from indelible.schedule.scheduler import LOOK, Scheduler
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.serve.conftest import until
from tests.world import World

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def work(either: World) -> Iterator[Work]:
    made = open_work(either.log_url)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scheduler(work: Work, clock: Clock) -> Scheduler:
    return Scheduler(work, clock)


def states(scheduler: Scheduler) -> list[tuple[str, str | None]]:
    return [(run.state, run.told) for run in scheduler.runs.newest()]


def test_it_runs_when_it_is_due_and_not_for_what_was_due_before_it_was_known(
    scheduler: Scheduler, clock: Clock
) -> None:
    ran: list[datetime] = []
    scheduler.add("digests", "daily 06:00", lambda: ran.append(clock.now))
    for hours, count in ((0, 0), (20, 0), (21, 1), (22, 1), (44, 1), (46, 2)):
        clock.now = NOW + timedelta(hours=hours)
        scheduler.round()
        scheduler.round()
        assert len(ran) == count, hours


def test_what_was_missed_is_caught_up_once(scheduler: Scheduler, clock: Clock) -> None:
    ran: list[datetime] = []
    scheduler.add("digests", "daily 06:00", lambda: ran.append(clock.now))
    scheduler.round()
    clock.now = NOW + timedelta(days=10)
    assert [scheduler.round() for _ in range(3)] == [1, 0, 0]
    assert scheduler.runs.newest()[0].due_at == datetime(2026, 11, 30, 6, 0, tzinfo=UTC)


def test_a_clock_that_was_ahead_when_a_job_was_first_seen_keeps_it_from_nothing(
    scheduler: Scheduler, clock: Clock
) -> None:
    ran: list[datetime] = []
    scheduler.add("digests", "daily 06:00", lambda: ran.append(clock.now))
    clock.now = NOW.replace(year=2036)
    scheduler.round()
    clock.now = NOW
    assert scheduler.round() == 0  # this morning's was before it was known
    clock.now = NOW + timedelta(days=1)
    assert [scheduler.round() for _ in range(2)] == [1, 0]


def test_start_result_and_failure_are_written_down(scheduler: Scheduler, clock: Clock) -> None:
    told: list[object] = ["3 expired", LogError("the disk is full"), ZeroDivisionError("by 0"), None]

    def job() -> str | None:
        clock.now += timedelta(seconds=2)
        result = told.pop(0)
        if isinstance(result, Exception):
            raise result
        return result if isinstance(result, str) else None

    scheduler.add("license-expiry", "every 1h", job)
    for _ in range(4):
        scheduler.round()
        clock.now += timedelta(hours=1)
    assert states(scheduler) == [
        ("idle", None), ("failed", "unexpected ZeroDivisionError: by 0"), ("failed", "the disk is full"),
        ("done", "3 expired"),
    ]  # fmt: skip
    run = scheduler.runs.newest()[-1]
    assert (run.started_at, run.took, run.tries) == (NOW, 2.0, 1)


def test_of_runs_that_had_nothing_to_do_the_last_is_kept(scheduler: Scheduler, clock: Clock) -> None:
    scheduler.add("license-expiry", "every 5s", lambda: None)
    for _ in range(5):
        assert scheduler.round() == 1
        clock.now += timedelta(seconds=5)
    assert states(scheduler) == [("idle", None)]


def test_what_failed_is_tried_again_some_minutes_later_and_not_for_ever(scheduler: Scheduler, clock: Clock) -> None:
    tries: list[datetime] = []

    def fails() -> str:
        tries.append(clock.now)
        raise LogError("no")

    scheduler.add("digests", "daily 06:00", fails)
    scheduler.round()
    clock.now = NOW + timedelta(hours=21)
    for _ in range(60):
        scheduler.round()
        clock.now += timedelta(minutes=1)
    assert [(each - tries[0]) // timedelta(minutes=1) for each in tries] == [0, 5, 10]


def test_one_job_that_fails_is_not_anothers(scheduler: Scheduler) -> None:
    ran: list[str] = []
    scheduler.add("bad", "every 1h", lambda: 1 / 0)  # type: ignore[arg-type, return-value]  # a job of somebody's
    scheduler.add("good", "every 1h", lambda: ran.append("good"))
    assert scheduler.round() == 2
    assert ran == ["good"]


def test_a_job_that_exits_has_failed_and_ends_nothing_else(scheduler: Scheduler) -> None:
    ran: list[str] = []
    scheduler.add("exits", "every 1h", lambda: sys.exit("no license server"))
    scheduler.add("good", "every 1h", lambda: ran.append("good"))
    assert scheduler.round() == 2
    assert ran == ["good"]
    assert ("failed", "unexpected SystemExit: no license server") in states(scheduler)


@pytest.mark.parametrize("told", ["caf\udce9.csv", "a\0b"], ids=["half a pair", "NUL"])
def test_what_no_text_can_hold_ends_a_run_all_the_same_and_is_not_anothers(scheduler: Scheduler, told: str) -> None:
    def fails() -> str:
        raise LogError(told)

    ran: list[str] = []
    scheduler.add("tells", "every 1h", lambda: told)
    scheduler.add("fails", "every 1h", fails)
    scheduler.add("good", "every 1h", lambda: ran.append("good"))
    assert scheduler.round() == 3
    assert ran == ["good"]
    assert sorted(run.state for run in scheduler.runs.newest()) == ["done", "failed", "idle"]


def test_one_that_takes_long_keeps_no_other_waiting_and_is_not_begun_again(
    scheduler: Scheduler, clock: Clock, work: Work
) -> None:
    long, mails, let_go = list[datetime](), list[datetime](), threading.Event()

    def verify() -> None:
        long.append(clock.now)
        assert let_go.wait(60)

    scheduler.add("verification", "every 1h", verify)
    scheduler.add("mail", "every 1h", lambda: mails.append(clock.now))
    scheduler.start()
    try:
        for count in (1, 2, 3):
            assert until(lambda count=count: len(mails) == count)  # type: ignore[misc]
            clock.now += timedelta(hours=1)
        assert len(long) == 1
        scheduler.end()
        time.sleep(2 * LOOK)
        assert work.hold("jobs") is None  # as long as one runs nobody else does
    finally:
        let_go.set()
        scheduler.stop()
    hold = work.hold("jobs")
    assert hold is not None
    hold.release()
    assert [run.state for run in scheduler.runs.newest() if run.job == "verification"] == ["idle"]


def test_many_that_look_at_once_run_it_once(either: World, clock: Clock) -> None:
    ran: list[int] = []
    made = [open_work(either.log_url) for _ in range(6)]
    schedulers = [Scheduler(each, clock) for each in made]
    for number, each in enumerate(schedulers):
        each.add("digests", "every 1h", lambda number=number: ran.append(number))  # type: ignore[misc]
    threads = [threading.Thread(target=each.round) for each in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1
    for work in made:
        work.close()


SERVER = """
import sys, time
from indelible.event import EPOCH
from indelible.schedule.scheduler import Scheduler
from indelible.work.place import open_work
def job():
    with open(sys.argv[2], "a") as file:
        file.write("began\\n")
    time.sleep(float(sys.argv[3]))
    with open(sys.argv[2], "a") as file:
        file.write("ended\\n")
    return "done"
scheduler = Scheduler(open_work(sys.argv[1]))
scheduler.runs.known_since("slow", EPOCH)  # for long
scheduler.add("slow", "every 24h", job)
scheduler.start()
time.sleep(60)
"""


def test_a_run_that_was_killed_runs_again_and_ends_once(either: World, work: Work) -> None:
    """And the server beside it, which waited, is the one that runs it."""
    path = either.folder / "ran"

    def serve(seconds: float) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SERVER, either.log_url, str(path), str(seconds)], env=os.environ)

    def until(count: int) -> None:
        end = time.monotonic() + 20
        while not path.exists() or len(path.read_text().split()) < count:
            assert time.monotonic() < end
            time.sleep(0.02)

    first = serve(60)
    until(1)
    second = serve(0.1)
    time.sleep(1.5)
    assert path.read_text() == "began\n", "the other one waits"
    first.send_signal(signal.SIGKILL)
    first.wait()
    until(3)
    time.sleep(0.7)
    second.kill()
    second.wait()
    assert path.read_text() == "began\nbegan\nended\n"
    (run,) = Scheduler(work).runs.newest()
    assert (run.state, run.told, run.tries) == ("done", "done", 2)
