"""Looks every minute whether the tables are still watched as they were left, and puts on record what is not.

A trigger that is dropped writes nothing about it; this is who notices. Whoever stops this program first is not noticed
by it: `indelible coverage` and `indelible reconcile`, run from elsewhere, are for that.
"""

import logging
import secrets
from contextlib import closing
from datetime import UTC, datetime

from indelible.background import Background
from indelible.capture.coverage import Coverage
from indelible.capture.source import open_source
from indelible.errors import Error
from indelible.event import Actor, Context, Entity, Event, derive_id
from indelible.log import Log

logger = logging.getLogger(__name__)

SECONDS = 60.0


class DriftWatch(Background):
    """A check when asked, or a thread that asks every minute."""

    NAME = "indelible-drift"

    def __init__(self, url: str, log: Log, seconds: float = SECONDS) -> None:
        super().__init__()
        self._url = url
        self._log = log
        self._seconds = seconds
        self._known: set[Coverage] = set()  # recorded already; one entry for each, until it is mended

    def tables(self) -> list[Coverage]:
        """Every table, as it is now. Raises Error."""
        with closing(open_source(self._url)) as source:
            return source.coverage()

    def check(self) -> list[Coverage]:
        """Every table that is not watched as it should be; what is new among them is recorded. Raises Error."""
        unclean = [each for each in self.tables() if not each.clean]
        news = [each for each in unclean if each not in self._known]
        if news:
            self._log.append(map(_event, news))
        self._known = set(unclean)
        for each in news:
            logger.error(
                "The table %s is no longer recorded as it should be: %s", each.table, each.reason or each.state
            )
        return unclean

    @property
    def unclean(self) -> list[str]:
        """The tables that the last check found."""
        return sorted(each.table for each in self._known)

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.check()
            except Error as error:
                logger.error("Coverage could not be checked, and will be again: %s", error)  # noqa: TRY400 - one sentence
            except Exception:
                logger.exception("Coverage could not be checked, and will be again")


def _event(each: Coverage) -> Event:
    now = datetime.now(UTC)
    return Event(
        action="AUDIT_CAPTURE_DRIFTED",
        operation="drift",
        entity=Entity("Table", each.table, each.table),
        occurred_at=now,
        actor=Actor.system("coverage"),
        id=derive_id(now, secrets.token_hex(16)),
        outcome="failure",
        context=Context(source="indelible"),
        metadata={"state": each.state} | ({"reason": each.reason} if each.reason else {}),
    )
