"""What the portal does by itself, in a thread of its own: today, expiring licenses."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from indelible.integrations.jobs import job
from portal import clock
from portal.services import licenses

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy.orm import Session

_log = logging.getLogger("portal.jobs")


@job("license-expiry")
def run_due(session_factory: Callable[[], Session], today: date) -> int:
    """Expires the licenses whose last day has passed. Gives how many."""
    with session_factory() as db:
        due = licenses.due(db, today)
        for license_ in due:
            license_.status = "expired"
        db.commit()
    return len(due)


class Scheduler:
    """Runs the jobs every few seconds until stopped. A job that fails is logged and tried again next time."""

    def __init__(self, session_factory: Callable[[], Session], seconds: float) -> None:
        self._session_factory = session_factory
        self._seconds = seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="portal-jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                run_due(self._session_factory, clock.today())
            except Exception:  # noqa: BLE001 -- whatever failed, the other runs must go on
                _log.exception("license-expiry failed; it runs again in %s seconds", self._seconds)
