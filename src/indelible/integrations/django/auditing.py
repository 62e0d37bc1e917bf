"""The log of this process: opened when first used, sealed by a thread once the process serves requests.

Several processes may seal at once; one of them wins, and the others find nothing left to do. After a fork nothing is
shared: the child opens its own.
"""

import atexit
import logging
import os
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.utils.connection import ConnectionDoesNotExist

from indelible.capture.source import open_source
from indelible.errors import Error
from indelible.integrations.django.conf import configured, in_base
from indelible.integrations.django.databases import source_url
from indelible.log import Log
from indelible.sealer import Sealer
from indelible.upkeep import Upkeep

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30.0  # nothing is watched yet: the next request after that tries again


class DjangoAudit:
    """`log`, `seal()`, `health()`: as `Audit`, for the databases of the settings."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._log: Log | None = None
        self._sealers: list[Sealer] = []
        self._upkeep: Upkeep | None = None
        self._not_before = 0.0

    @property
    def log(self) -> Log:
        """Made with its key if it is not there. Raises LogError, UsageError."""
        with self._lock:
            if self._log is None:
                self._log = Log.open_or_create(log_url())
            return self._log

    @property
    def upkeep(self) -> Upkeep:
        """What this process does beside sealing, once it serves requests."""
        with self._lock:
            if self._upkeep is None:
                self._upkeep = Upkeep(self.log, log_url(), _urls())
            return self._upkeep

    def seal(self) -> int:
        """Everything committed before this call is in the log when it returns. Gives how many entries were added."""
        with self._lock:
            sealers = list(self._sealers)
        if sealers:
            return sum(sealer.seal() for sealer in sealers)
        added = 0
        for url in _urls():
            with closing(open_source(url)) as source, closing(source.outbox()) as outbox:
                added += Sealer(outbox, self.log).seal()
        return added

    def start(self) -> None:
        """Seal in a thread, within moments of each commit; look every minute whether capture holds. Repeatable."""
        with self._lock:
            if self._sealers or time.monotonic() < self._not_before:
                return
            self._not_before = time.monotonic() + RETRY_SECONDS
            made: list[Sealer] = []
            try:
                for url in _urls():
                    with closing(open_source(url)) as source:
                        outbox = source.outbox()
                    made.append(Sealer(outbox, self.log, self.upkeep.turn(outbox.source)))
            except Error:
                for sealer in made:
                    sealer.close()
                raise
            self._sealers = made
            for sealer in made:
                sealer.start()
            self.upkeep.start()

    def health(self) -> list[dict[str, Any]]:
        """Of each database that this process seals; see `Audit.health`."""
        with self._lock:
            return [self.upkeep.told(sealer.health()) for sealer in self._sealers]

    def close(self) -> None:
        """What is still in an outbox waits there for the next start."""
        with self._lock:
            for sealer in self._sealers:
                sealer.close()
            self._sealers = []
            if self._upkeep is not None:
                self._upkeep.close()
                self._upkeep = None
            if self._log is not None:
                self._log.close()
                self._log = None


_current: DjangoAudit | None = None
_making = threading.Lock()
_left_behind: list[DjangoAudit | None] = []  # by a fork: the parent's connections are not ours to close
_at_start: dict[str, str | None] = {}


def audit() -> DjangoAudit:
    """That of this process."""
    global _current  # noqa: PLW0603 - one a process
    with _making:
        if _current is None:
            _current = DjangoAudit()
        return _current


def close() -> None:
    global _current
    with _making:
        closing_now, _current = _current, None
    if closing_now is not None:
        closing_now.close()


def remember() -> None:
    """Which databases the settings named as the process began."""
    try:
        _at_start.update({alias: _url(alias) for alias in configured().DATABASES})
    except Error as error:
        logger.warning("Nothing will be recorded: %s", error)


def borrowed() -> bool:
    """Whether other databases stand in for those of the settings, as a test runner has it."""
    return any(_url(alias) != url for alias, url in _at_start.items())


def log_path() -> Path | None:
    """The log's file, if it is one. Tests have a log of their own: what they do never happened."""
    log = configured().log
    if isinstance(log, str):
        return in_base(Path("test_audit.db")) if borrowed() else None
    return log.with_name(f"test_{log.name}") if borrowed() else log


def log_url() -> str:
    path = log_path()
    return str(configured().log) if path is None else f"sqlite:///{path}"


def on_request(**_: Any) -> None:
    """This process serves requests, so it seals. A failure here is no reason to answer none."""
    try:
        if configured().SEAL and not borrowed():
            audit().start()
    except Error as error:
        logger.warning("Nothing is sealed by this process yet: %s", error)


def _url(alias: str) -> str | None:
    """None too for a database that cannot be watched: a check says so."""
    try:
        return source_url(alias)
    except (Error, ConnectionDoesNotExist):
        return None


def _urls() -> list[str]:
    return [url for alias in configured().DATABASES if (url := source_url(alias)) is not None]


def _forked() -> None:
    global _current, _making
    _left_behind.append(_current)
    _current, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_forked)
atexit.register(close)
