"""Keeps the blocks up with the log, in a thread of the server.

Where there is enough for a block of the largest size it is made in a process of its own (see `apart`); others, of
120 ms at most, here, when the log does not grow fast: nothing of it is to slow who seals.
"""

import logging
import sys

from indelible.background import Background, run_apart
from indelible.errors import Error
from indelible.index.blocks import Blocks

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds from one look to the next
FAST = 1000  # entries from one look to the next
SLOW = 64  # likewise; where there are more, the smallest blocks would be part of another one at once
SMALL = 256  # entries of a block that is worth while then
AFTER_FAILURE = 60.0  # seconds


class Indexer(Background):
    """What is not yet in a block is found all the same, only slower."""

    NAME = "indelible-indexer"

    def __init__(self, blocks: Blocks, url: str, every: float = EVERY) -> None:
        """`url`: the log's, for the other process."""
        super().__init__()
        self._blocks = blocks
        self._url = url
        self._every = every
        self._size = 0  # of the log, at the last look
        self.failure: str | None = None  # why the last one could not be made

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                self._look()
                self.failure, pause = None, self._every
            except (Error, OSError) as error:
                if self.failure is None:
                    logger.error("Searches go on, and become slower: %s", error)  # noqa: TRY400 - one sentence
                self.failure, pause = str(error), AFTER_FAILURE

    def _look(self) -> None:
        size, before = self._blocks.size(), self._size
        self._size = size
        if self._blocks.full() and sys.executable:  # a host that is no Python program has none
            run_apart("indelible.index.apart", self._url, self._stopped)
        elif size - before < FAST or before == 0:
            least = 0 if size - before < SLOW else SMALL
            while not self._stopped.is_set() and self._blocks.advance(least):
                pass
