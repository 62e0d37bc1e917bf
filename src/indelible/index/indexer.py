"""Keeps the blocks up with the log, in a thread of the server.

It takes a share of a processor, and no lock that sealing needs.
"""

import logging
import time

from indelible.background import Background
from indelible.errors import Error
from indelible.index.blocks import Blocks

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds from one look to the next
AFTER_FAILURE = 60.0  # seconds
REST = 2.0  # times as long as a block took


class Indexer(Background):
    """What is not yet in a block is found all the same, only slower."""

    NAME = "indelible-indexer"

    def __init__(self, blocks: Blocks, every: float = EVERY) -> None:
        super().__init__()
        self._blocks = blocks
        self._every = every
        self.failure: str | None = None  # why the last one could not be made

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            start = time.monotonic()
            try:
                made = self._blocks.advance()
                self.failure = None
                pause = REST * (time.monotonic() - start) if made else self._every
            except Error as error:
                if self.failure is None:
                    logger.error("Searches go on, and become slower: %s", error)  # noqa: TRY400 - one sentence
                self.failure, pause = str(error), AFTER_FAILURE
