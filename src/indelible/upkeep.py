"""What a server does beside sealing, each in a thread of its own: verify, look for drift, publish, deliver webhooks."""

import logging
import os
from collections.abc import Iterable
from threading import Lock
from typing import Any

from indelible.drift import DriftWatch
from indelible.errors import Error, LogError, UsageError
from indelible.log import Log
from indelible.monitor import Monitor
from indelible.publish.assurance import Assurance
from indelible.publish.publisher import Places, Publisher
from indelible.webhooks.service import Webhooks
from indelible.work.place import open_work
from indelible.work.promise import Work

logger = logging.getLogger(__name__)

PAGES = "INDELIBLE_PAGES"  # where the audit pages are, as others reach them: for links in webhooks and mails


class Upkeep:
    """Of one log, and of the databases that it is of. What one of them cannot do, the others do all the same."""

    def __init__(self, log: Log, log_url: str, databases: Iterable[str], pages: str | None = None) -> None:
        """Raises UsageError, MalformedError for places to publish to that cannot be used."""
        self._log = log
        self._log_url = log_url
        self._pages = os.environ.get(PAGES, "") if pages is None else pages
        self._monitor = Monitor(log)
        self._publisher = Publisher(log, Places.configured())
        self._opening = Lock()
        self._work: Work | None = None
        self._webhooks: Webhooks | None = None
        self._undelivered: str | None = None  # why nothing is
        self._closed = False
        self.drifts = [DriftWatch(url, log) for url in databases]

    @property
    def webhooks(self) -> Webhooks:
        """Opened when first used. Raises LogError, UsageError."""
        with self._opening:
            if self._closed:
                raise LogError("The audit log was closed here already. Open it again.")
            if self._webhooks is None:
                self._work = self._work or open_work(self._log_url)
                self._webhooks = Webhooks.of(self._log, self._work, self._pages)
            return self._webhooks

    @property
    def assurance(self) -> Assurance | None:
        """How sure one may be of the log, where it is known elsewhere."""
        return self._publisher.assurance

    def size(self) -> int:
        """Of the log, as far as it is signed."""
        return self._log.signed_size()

    def start(self) -> None:
        for drift in self.drifts:
            drift.start()
        self._monitor.start()
        self._publisher.start()
        self._deliver()

    def stop(self) -> None:
        for drift in self.drifts:
            drift.stop()
        self._monitor.stop()
        self._publisher.stop()
        if self._webhooks is not None:
            self._webhooks.stop()

    def close(self) -> None:
        self.stop()
        with self._opening:
            self._closed = True
            if self._work is not None:
                self._work.close()

    def told(self, health: dict[str, Any]) -> dict[str, Any]:
        """Health, with what all of them have to say."""
        health |= {"drifted": sorted({table for drift in self.drifts for table in drift.unclean})}
        health |= {"undelivered": self._undelivered} if self._undelivered else {}
        return self._publisher.told(self._monitor.told(health))

    def _deliver(self) -> None:
        """A server that cannot deliver seals and verifies all the same; its health tells."""
        try:
            webhooks = self.webhooks
            try:
                webhooks.start()
            except UsageError:
                if webhooks.endpoints.all():  # without the packages for it: nobody waits for anything
                    raise
            self._undelivered = None
        except Error as error:
            logger.error("Webhooks are not delivered: %s", error)  # noqa: TRY400 - one sentence
            self._undelivered = str(error)
