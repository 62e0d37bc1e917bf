"""Verifies the log again and again while the server runs, and raises the alarm where it is not what was signed.

It works slowly, so that the application hardly notices; as fast as it can where somebody wrote to the log's database
who neither appended nor signed. It is as honest as the process it runs in: who trusts nobody runs `indelible verify`
elsewhere.
"""

import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from indelible import alarm
from indelible.background import Background
from indelible.errors import Error, VerificationError
from indelible.log import Log
from indelible.verify import verify_log

logger = logging.getLogger(__name__)

EVERY = 30.0  # seconds from one pass to the next
LOOK = 1.0  # seconds between two looks at whether somebody wrote
SHARE = 0.2  # of a processor, for a pass that is not urgent


class Monitor(Background):
    """A pass when asked, or a thread that never stops."""

    NAME = "indelible-monitor"

    def __init__(self, log: Log, every: float = EVERY) -> None:
        super().__init__()
        self._log = log
        self._every = every
        self._verifier = log.verifier  # as it was when this began: what the log says of its key later is not asked
        self._deep = True
        self._open: VerificationError | None = None  # what is on record, by this process too, and has not ended there
        self._pass = threading.Lock()
        self.found = Found()

    def check(self, *, urgent: bool = True, deep: bool = False) -> VerificationError | None:
        """One pass; `deep`: with the database's own check of its files. What it finds is recorded, once; gives it.

        Raises Error where the log cannot be read.
        """
        with self._pass:
            pace, began = _Pace(1.0 if urgent else SHARE, self._stopped), datetime.now(UTC)
            try:
                # The files' own check takes them from the disk whole: once in the life of a process, and when asked.
                self._deep = deep or self._deep  # until what it finds is mended: another pass would not see it
                report = verify_log(self._log, self._verifier, progress=pace.keep, files=self._deep)
            except VerificationError as error:
                if str(self.alarm) != str(error):
                    self._raise(error)
            else:
                self.found, self._deep = Found(None, began, report.size), False
                self._end()
            return self.alarm

    @property
    def alarm(self) -> VerificationError | None:
        """What the last pass found; None: all is as it was signed."""
        return self.found.alarm

    def told(self, health: dict[str, Any]) -> dict[str, Any]:
        """Health, with the alarm in it if there is one."""
        return health if self.alarm is None else health | {"status": "failing", "tampering": str(self.alarm)}

    def _run(self) -> None:
        urgent = False
        while not self._stopped.is_set():
            try:
                before, known = self._pulse(), self.alarm
                self.check(urgent=urgent)
                # An alarm is an entry of ours, behind which an edit would not be seen: once more.
                urgent = str(self.alarm) != str(known) or self._wait(before)
            except _Stopped:
                return
            except Error as error:
                logger.error("The log could not be verified, and will be again: %s", error)  # noqa: TRY400 - one sentence
                self._stopped.wait(self._every)
            except Exception:
                logger.exception("The log could not be verified, and will be again")
                self._stopped.wait(self._every)

    def _wait(self, before: "_Pulse") -> bool:
        """For the next pass. True: somebody wrote, since before the last one, who neither appended nor signed."""
        until = time.monotonic() + self._every
        while not self._stopped.wait(min(LOOK, self._every)) and time.monotonic() < until:
            now = self._pulse()
            if now.any != before.any and now.ours == before.ours:
                return True
            before = now
        return False

    def _pulse(self) -> "_Pulse":
        """At one moment: not while somebody appends or signs."""
        while True:
            before, any_ = self._sizes(), self._log.store.pulse()
            if self._sizes() == before:
                return _Pulse(any_, before)

    def _sizes(self) -> tuple[int, int]:
        return self._log.head().size, self._log.signed_size()

    def _raise(self, error: VerificationError) -> None:
        """The alarm goes where it can: into the program's own log, and as an entry behind whatever was done."""
        right, self.found, self._open = self.found.at, Found(error, datetime.now(UTC)), error  # health tells first
        logger.critical("The log %s is not what was signed: %s", self._log.origin, error)
        try:
            self.found = Found(error, alarm.begin(self._log, error, right))
        except Error as refused:
            logger.error("The alarm is no signed entry of the log: %s", refused)  # noqa: TRY400 - one sentence

    def _end(self) -> None:
        """An alarm of ours that is over is over on record, too: of another's, it may be that only they see why."""
        if self._open is None:
            return
        try:
            alarm.end(self._log, self._open)
            self._open = None
        except Error as refused:
            logger.error("That the alarm is over is no entry of the log yet: %s", refused)  # noqa: TRY400 - one sentence


class Found(NamedTuple):
    """What passes came to."""

    alarm: VerificationError | None = None  # None: all is as it was signed
    at: datetime | None = None  # since when it is known; without an alarm, when the last pass began
    size: int = 0  # entries that the last pass found to be as they were signed


class _Pulse(NamedTuple):
    """What changes with every write, and what changes with those that append or sign."""

    any: object
    ours: tuple[int, int]


class _Stopped(Exception):  # noqa: N818 - no error: the end of the program
    """Raised within a pass."""


class _Pace:
    """Takes a share of a processor: for each moment of work, a rest."""

    def __init__(self, share: float, stopped: threading.Event) -> None:
        self._rest = 1 / share - 1
        self._stopped = stopped
        self._since = time.monotonic()

    def keep(self, _checked: int) -> None:
        if self._stopped.wait(self._rest * (time.monotonic() - self._since)):
            raise _Stopped
        self._since = time.monotonic()
