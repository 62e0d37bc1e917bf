"""Outbox -> log. Each captured record becomes exactly one entry, wherever this process is killed.

    read the outbox -> commit to the log -> sign the head -> delete from the outbox
                    A                    B                C

Killed at A: nothing happened. At B or C: the record is in both; the next pass finds its id in the log, signs
and only deletes it. There is no other recovery. Signing comes before deleting: a log that was restored from an
old copy is refused while the records still wait, so that the newest copy gets them.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from indelible.background import Background, Free, Hold
from indelible.capture.record import Record
from indelible.capture.source import Outbox
from indelible.capture.translate import mentioned, owned_by, translate
from indelible.errors import ConflictError, Error
from indelible.log import Log
from indelible.owners import Owners

logger = logging.getLogger(__name__)

KEPT_SECONDS = 1.0  # between two looks at whether the turn is still ours
POLL_SECONDS = 0.1  # how soon a change made by another process is noticed
PAUSE_SECONDS = 1.0  # after a failed pass, and where another process seals


class Sealer(Background):
    """Moves records from one outbox to one log: a pass when asked, or a thread that never stops asking.

    Of several processes the thread of one seals: `turn` gives the hold that says so. A pass may be asked of any: two
    at once cost the slower one a retry.
    """

    NAME = "indelible-sealer"

    def __init__(self, outbox: Outbox, log: Log, turn: Callable[[], Hold | None] = Free) -> None:
        super().__init__()
        self._outbox = outbox
        self._log = log
        self._owners = Owners(log.store, log.blocks)
        self._turn = turn
        self._pass = threading.Lock()
        self._wake = threading.Event()
        self._failure: str | None = None
        self._left = False  # records that are sealed may still wait to be dropped

    def seal(self) -> int:
        """One pass: everything that was committed before the call is in the log, signed, when it returns.

        Gives the number of entries added. Raises LogError, CaptureError, VerificationError.
        """
        return self._seal(lambda: False)

    def _seal(self, stopping: Callable[[], bool]) -> int:
        """`stopping` ends the pass between two batches."""
        with self._pass:
            added, dropped = 0, True
            for batch in self._outbox.batches():
                added += self._commit(batch.records) if batch.records else 0
                self._log.sign()
                # While the application writes for long they stay; sealed they are, and the next pass drops them.
                dropped = dropped and self._outbox.drop(batch)
                if stopping():
                    break
            self._left = not dropped
            self._log.sign()
            self._failure = None
            return added

    def _commit(self, records: list[Record]) -> int:
        """Append what the log does not know yet. Another sealer that was faster costs a retry, never a fork."""
        owners = self._owners
        while True:
            try:
                with self._log.appending() as appending:
                    before, names = appending.size, appending.names
                    known = appending.known([record.id for record in records])
                    names.expect(each for record in records for each in mentioned(record))
                    owners.expect(before, names, [each for each in map(owned_by, records) if each is not None])
                    for event in (translate(record, names, owners.of) for record in records):
                        if event.id not in known:
                            known[event.id] = appending.add(event)
                            owners.told(event)
                owners.keep(appending.size)
                return appending.size - before
            except ConflictError:
                logger.info("Another sealer appended first; this batch starts again.")

    def notify(self) -> None:
        """Something was committed: do not wait for the poll."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread. What is still in the outbox waits there for the next start."""
        self._stopped.set()
        self._wake.set()
        super().stop()

    def close(self) -> None:
        """Stop, and let go of the outbox, after a pass that somebody else may be in."""
        self.stop()
        with self._pass:
            self._outbox.close()

    def health(self) -> dict[str, Any]:
        """Sizes, what waits and for how long; `status` is "failing" while passes fail or the files cannot be read."""
        try:
            pending, oldest = self._outbox.pending()
            sizes = {"size": self._log.head().size, "signed": self._log.signed_size(), "pending": pending}
        except Error as error:
            return {"status": "failing", "failure": str(error)}
        lag = max(0.0, time.time() - oldest.timestamp()) if oldest else 0.0
        health = {"status": "failing" if self._failure else "ok", **sizes, "seal_lag_seconds": round(lag, 3)}
        return health | ({"failure": self._failure} if self._failure else {})

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if (hold := self._turn()) is not None:
                    self._hold(hold)
                    continue
                self._failure = None  # another process seals: what failed here is no longer what holds it up
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one pass meets
                self._fail(error)
            self._stopped.wait(PAUSE_SECONDS)

    def _hold(self, hold: Hold) -> None:
        """Until it is lost, or a pass fails: then another process may try, which has its own disk and its own key."""
        try:
            look = 0.0
            self._wake.set()  # who had the turn before may have left something
            while not self._stopped.is_set():
                if time.monotonic() > look:
                    if not hold.kept():
                        return
                    look = time.monotonic() + KEPT_SECONDS
                if self._outbox.changed() or self._wake.is_set() or self._failure or self._left:
                    self._wake.clear()
                    self._seal(self._stopped.is_set)
                self._wake.wait(POLL_SECONDS)
        finally:
            hold.release()

    def _fail(self, error: Exception) -> None:
        """Records stay in the outbox; nothing is lost while this repeats."""
        self._failure = str(error) if isinstance(error, Error) else f"unexpected {type(error).__name__}"
        logger.error("Sealing failed and will be tried again: %s", self._failure, exc_info=not isinstance(error, Error))
