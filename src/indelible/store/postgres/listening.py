"""Hears of the checkpoints that any process adds: PostgreSQL tells those who listen (NOTIFY), when they are committed.

Nobody relies on it: a notice may be lost with a connection, and a standby gives none. Who follows the log looks, too.
"""

import logging
from collections.abc import Callable

import psycopg

from indelible.background import Background
from indelible.errors import LogError
from indelible.store.postgres.connection import MOMENTS, STAYS, Database

logger = logging.getLogger(__name__)

WAIT = 0.1  # seconds between two looks at whether to stop
PAUSE = 5.0  # after a connection that was lost, or a server that tells nothing


class Listener(Background):
    """On a connection of its own, once somebody wants to hear. `log` is the log's id: its channel is named by it."""

    NAME = "indelible-listener"

    def __init__(self, database: Database, log: int) -> None:
        super().__init__()
        self._database = database
        self._listen = f"LISTEN indelible_{log}".encode()
        self._tell: Callable[[], None] | None = None

    def tell(self, tell: Callable[[], None]) -> None:
        """From now on. It is called in another thread, and must not wait."""
        if self._tell is None and not self._stopped.is_set():
            self._tell = tell
            self.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._hear()
            except (LogError, psycopg.Error) as error:
                logger.info("%s tells of no checkpoints for now: %s", self._database, error)
                self._stopped.wait(PAUSE)

    def _hear(self) -> None:
        with self._database.connect(MOMENTS) as db:
            db.execute(STAYS)
            db.execute(self._listen)
            self._told()  # what came before it
            while not self._stopped.is_set():
                for _ in db.notifies(timeout=WAIT):
                    self._told()

    def _told(self) -> None:
        if self._tell is not None:
            self._tell()
