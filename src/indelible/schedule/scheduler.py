"""Runs jobs when they are due, in threads of the server; of several servers one does.

A moment that passed while nobody served is caught up once, however many of them passed. What was running when a server
was killed runs again: a job that was interrupted is one that has not ended.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from indelible.background import Background, Hold
from indelible.errors import Error
from indelible.event import clip
from indelible.integrations.jobs import job as acting_for
from indelible.schedule.runs import Runs
from indelible.schedule.times import Times, parse_times
from indelible.work.promise import Work

logger = logging.getLogger(__name__)

LOOK = 0.5  # seconds between two looks at what is due
MOST_TOLD = 1000  # characters of what came of a run
PAUSE = 1.0  # seconds, where another server runs them
AT_ONCE = 4  # jobs: mail goes out while all of a large log is verified

Job = Callable[[], str | None]  # gives what it did, in a few words; None: there was nothing to do


@dataclass(frozen=True)
class Scheduled:
    """A job, and when it is due."""

    name: str
    times: Times
    run: Job


class _Running(threading.Thread):
    """Of a job. A process that ends without a word does not wait for it."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(name="indelible-job", daemon=True)
        self._job = run
        self.failure: Exception | None = None  # what kept its end from being written down

    def run(self) -> None:
        try:
            self._job()
        except Exception as error:  # noqa: BLE001 - raised where the run is looked at again
            self.failure = error


class Scheduler(Background):
    """A round when asked, or a thread that looks again and again. `clock` is for tests."""

    NAME = "indelible-scheduler"

    def __init__(self, work: Work, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._clock = clock
        self._work = work
        self._jobs: dict[str, Scheduled] = {}
        self.runs = Runs(work)

    @property
    def jobs(self) -> list[Scheduled]:
        return list(self._jobs.values())

    def add(self, name: str, times: str, run: Job) -> None:
        """What it writes in a watched database is its own doing, source "job". Raises UsageError for a time."""
        self._jobs[name] = Scheduled(name, parse_times(times), acting_for(name, schedule=times)(run))

    def round(self) -> int:
        """Run what is due, one after the other; gives how many ran."""
        due = ((each, self._claimed(each)) for each in self.jobs if not self._stopped.is_set())
        return sum(self._run_it(each, moment) for each, moment in due if moment)

    def _claimed(self, each: Scheduled) -> datetime | None:
        """For when it is to run now, if it is."""
        now = self._clock()
        due = each.times.last(now)
        return due if due >= self.runs.known_since(each.name, now) and self.runs.claim(each.name, due, now) else None

    def _run_it(self, each: Scheduled, due: datetime) -> bool:
        try:
            told = _text(each.run())
            state = "idle" if told is None else "done"
        except Error as error:
            state, told = "failed", _text(error)
        except (Exception, SystemExit) as error:  # this thread would end of that, without a word
            state, told = "failed", _text(f"unexpected {type(error).__name__}: {error}")
            if not self._stopped.is_set():
                logger.exception("The job %s failed", each.name)
        if state == "failed" and self._stopped.is_set():
            return True  # broken off: it is left running, and whoever runs jobs next finds it interrupted
        if state == "failed":
            logger.error("The job %s failed: %s", each.name, told)
        self.runs.end(each.name, due, self._clock(), state, told)
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                hold = self._work.hold("jobs")
                if hold is not None:
                    self._hold(hold)
            except Error as error:
                logger.error("Jobs cannot be run, and will be: %s", error)  # noqa: TRY400 - one sentence
            except Exception:
                logger.exception("Jobs cannot be run, and will be")
            self._stopped.wait(PAUSE)

    def _hold(self, hold: Hold) -> None:
        """Let go of when the last of them has ended: nobody else runs it meanwhile."""
        running = dict[str, _Running]()
        try:
            self.runs.interrupt(self._clock())
            while not self._stopped.is_set() and hold.kept():
                began = time.monotonic()
                self._begin(running)
                self._stopped.wait(max(0.0, LOOK - (time.monotonic() - began)))
        finally:
            for each in running.values():
                each.join()
            hold.release()

    def _begin(self, running: dict[str, _Running]) -> None:
        """What is due, but for what still runs. Raises what kept the end of a run from being written down."""
        for name in [name for name, each in running.items() if not each.is_alive()]:
            if failure := running.pop(name).failure:
                raise failure
        for each in self.jobs:
            if each.name not in running and len(running) < AT_ONCE and (due := self._claimed(each)):
                running[each.name] = _Running(partial(self._run_it, each, due))
                running[each.name].start()


def _text(told: object) -> str | None:
    """As any database keeps it: a host's job may tell of a file whose name is no UTF-8, or give a number."""
    kept = clip(None if told is None else str(told), MOST_TOLD)
    return kept and kept.replace("\0", "\ufffd")
