"""Runs jobs when they are due, in a thread of the server; of several servers one does.

A moment that passed while nobody served is caught up once, however many of them passed. What was running when a server
was killed runs again: a job that was interrupted is one that has not ended.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

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

Job = Callable[[], str | None]  # gives what it did, in a few words; None: there was nothing to do


@dataclass(frozen=True)
class Scheduled:
    """A job, and when it is due."""

    name: str
    times: Times
    run: Job


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
        return sum(self._run_if_due(each) for each in self.jobs if not self._stopped.is_set())

    def _run_if_due(self, each: Scheduled) -> bool:
        now = self._clock()
        due = each.times.last(now)
        if due < self.runs.known_since(each.name, now) or not self.runs.claim(each.name, due, now):
            return False
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
        try:
            self.runs.interrupt(self._clock())
            while not self._stopped.is_set() and hold.kept():
                began = time.monotonic()
                self.round()
                self._stopped.wait(max(0.0, LOOK - (time.monotonic() - began)))
        finally:
            hold.release()


def _text(told: object) -> str | None:
    """As any database keeps it: a host's job may tell of a file whose name is no UTF-8, or give a number."""
    kept = clip(None if told is None else str(told), MOST_TOLD)
    return kept and kept.replace("\0", "\ufffd")
