"""Has exports made, in a thread of the server: it looks whether one is waiting, and starts who makes it."""

import logging

from indelible.background import Background, run_apart
from indelible.errors import Error
from indelible.exports.exports import HOLD, Exports
from indelible.work.promise import Work

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds from one look to the next
MOST = 60.0  # seconds, while it fails: each time twice as long


class Maker(Background):
    """Of several servers one has it done. What was begun goes on with the next start."""

    NAME = "indelible-exports"

    def __init__(self, exports: Exports, work: Work, url: str) -> None:
        """`url`: the log's, for the other process."""
        super().__init__()
        self._exports = exports
        self._work = work
        self._url = url

    def _run(self) -> None:
        pause = failing = 0.0
        while not self._stopped.wait(pause):
            try:
                if self._exports.waiting() and self._free():
                    run_apart("indelible.exports.apart", self._url, self._stopped)
                pause, failing = EVERY, 0.0
            except (Error, OSError) as error:
                logger.error("Exports cannot be made, and will be: %s", error)  # noqa: TRY400 - one sentence
                pause = failing = min(MOST, max(EVERY, 2 * failing))

    def _free(self) -> bool:
        """Whether nobody makes any now."""
        hold = self._work.hold(HOLD)
        if hold is not None:
            hold.release()
        return hold is not None
