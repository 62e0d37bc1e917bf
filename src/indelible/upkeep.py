"""What a server does beside sealing, in threads of its own: verify, look for drift, publish, deliver, run jobs."""

import logging
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from inspect import iscoroutinefunction
from threading import Lock
from typing import Any

from indelible.background import Free, Hold
from indelible.desk import Desk
from indelible.digests.digests import TIMES
from indelible.drift import DriftWatch
from indelible.errors import Error, LogError, UsageError
from indelible.event import micros
from indelible.index.indexer import Indexer
from indelible.integrations.smtp import Mailer
from indelible.log import Log
from indelible.monitor import Found, Monitor
from indelible.publish.assurance import Assurance
from indelible.publish.publisher import Places, Publisher
from indelible.work.letters import Send

logger = logging.getLogger(__name__)

PAGES = "INDELIBLE_PAGES"  # where the audit pages are, as others reach them: for links in webhooks and mails
VIEWS = "INDELIBLE_RECORD_VIEWS"  # 1: who looks at entries is on record, too
SMTP = "INDELIBLE_SMTP_URL"  # a mail server, where the host brings none
OWN = ("verification", "coverage", "tidying", "mail", *(f"digests-{each}" for each in TIMES))  # jobs


class Upkeep:
    """Of one log, and of the databases that it is of. What one of them cannot do, the others do all the same."""

    def __init__(
        self, log: Log, log_url: str, databases: Iterable[str], *, pages: str | None = None, send: Send | None = None
    ) -> None:
        """Raises UsageError, MalformedError for what the environment names and cannot be used."""
        self._log = log
        where = _address(os.environ.get(PAGES, "") if pages is None else pages)
        self._open_desk = partial(Desk.open, log, log_url, where)
        smtp = os.environ.get(SMTP)
        self._send = send or (Mailer.parse(smtp).send if smtp else None)
        self._monitor = Monitor(log)
        self._indexer = Indexer(log.blocks, log_url)
        self._publisher = Publisher(log, Places.configured())
        self._opening = Lock()
        self._desk: Desk | None = None
        self._jobs: list[tuple[str, str, Callable[[], str | None]]] = []
        self._idle: str | None = None  # why nothing is delivered and no job is run
        self._closed = False
        self.records_views = os.environ.get(VIEWS, "") not in ("", "0")
        self.drifts = [DriftWatch(url, log) for url in databases]

    @property
    def desk(self) -> Desk:
        """Opened when first used. Raises LogError, UsageError."""
        with self._opening:
            if self._closed:
                raise LogError("The audit log was closed here already. Open it again.")
            if self._desk is None:
                self._desk = self._open_desk()
            return self._desk

    @property
    def assurance(self) -> Assurance | None:
        """How sure one may be of the log, where it is known elsewhere."""
        return self._publisher.assurance

    @property
    def found(self) -> Found:
        """What verifying the log came to, and when."""
        return self._monitor.found

    @property
    def undeliverable(self) -> str | None:
        """Why no webhook is delivered by this process, as far as it has looked at them."""
        return None if self._desk is None else self._desk.webhooks.endpoints.problem

    @property
    def mails(self) -> bool:
        """Whether there is a way to send mail."""
        return self._send is not None

    def size(self) -> int:
        """Of the log, as far as it is signed."""
        return self._log.signed_size()

    def turn(self, source: str) -> Callable[[], Hold | None]:
        """Whose turn it is to seal from a database, of all processes that do. Where that cannot be told, it is ours.

        By its own id: a URL may be another database's elsewhere.
        """
        what = f"sealing-{sha256(source.encode()).hexdigest()[:16]}"

        def take() -> Hold | None:
            try:
                return self.desk.work.hold(what)
            except Error as error:
                logger.warning("It cannot be told whether another process seals: %s", error)
                return Free()

        return take

    def schedule(self, name: str, times: str, run: Callable[[], str | None]) -> None:
        """A job of the host's, from the next start on. Raises UsageError for a name whose job it would end."""
        if name in OWN:
            raise UsageError(f"{name!r} is a job of the server's own. Give yours another name.")
        if iscoroutinefunction(run):
            raise UsageError(f"{name!r} is an async function, and jobs run in a thread. Give lambda: asyncio.run(…).")
        self._jobs.append((name, times, run))

    def start(self) -> None:
        for drift in self.drifts:
            drift.start()
        self._monitor.start()
        self._indexer.start()
        self._publisher.start()
        try:
            self._schedule(self.desk)
            self.desk.start()
            self._idle = None
        except Error as error:  # a server that cannot deliver seals and verifies all the same; its health tells
            logger.error("Webhooks are not delivered, and no jobs run: %s", error)  # noqa: TRY400 - one sentence
            self._idle = str(error)

    def stop(self) -> None:
        if self._desk is not None:
            self._desk.scheduler.end()
        self._monitor.stop()  # first: a job may be verifying with it
        if self._desk is not None:
            self._desk.stop()
        for drift in self.drifts:
            drift.stop()
        self._indexer.stop()
        self._publisher.stop()

    def close(self) -> None:
        self.stop()
        with self._opening:
            self._closed = True
            if self._desk is not None:
                self._desk.close()

    def told(self, health: dict[str, Any]) -> dict[str, Any]:
        """Health, with what all of them have to say."""
        health |= {"status": "failing", "unwritable": said} if (said := self._unwritable()) else {}
        health |= {"drifted": sorted({table for drift in self.drifts for table in drift.unclean})}
        health |= {"undelivered": idle} if (idle := self._idle or self.undeliverable) else {}
        health |= {"unindexed": self._indexer.failure} if self._indexer.failure else {}
        return self._publisher.told(self._monitor.told(health))

    def _unwritable(self) -> str | None:
        try:
            return self._log.store.unwritable()
        except Error as error:
            return str(error)

    def _schedule(self, desk: Desk) -> None:
        add = desk.scheduler.add
        add("verification", "daily 03:00", self._verify)
        add("coverage", "every 1h", self._cover)
        add("tidying", "daily 04:00", partial(_tidy, desk))
        desk.schedule_digests()
        if self._send is not None:
            add("mail", "every 5s", partial(desk.send_letters, self._send))
        for name, times, run in self._jobs:
            add(name, times, run)

    def _verify(self) -> str:
        """All of it, the database's own files among it; the monitor beside does the same without these."""
        found = self._monitor.check(urgent=False, deep=True)
        if found is not None:
            raise found
        return f"{self._log.signed_size():,} entries are as they were signed"

    def _cover(self) -> str | None:
        """What drifted is an entry, too. As long as all is well there is nothing to tell."""
        unclean = [each for drift in self.drifts for each in drift.check()]
        return None if not unclean else "not recorded as it should be: " + ", ".join(each.table for each in unclean)


def _address(pages: str) -> str:
    """As mails and webhooks may have it in a link. Raises UsageError."""
    if pages and not (pages.lower().startswith(("http://", "https://")) and pages.isprintable() and " " not in pages):
        raise UsageError(
            f"{pages[:60]!r} is no address of the audit pages. Give where others reach them, as "
            f"https://portal.acme.test/audit, in {PAGES}."
        )
    return pages


def _tidy(desk: Desk) -> None:
    now = datetime.now(UTC)
    desk.webhooks.deliveries.forget(micros(now - timedelta(days=30)))
    desk.scheduler.runs.forget(now)
    desk.exports.forget(now)
