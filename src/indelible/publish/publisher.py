"""Has each new checkpoint leave, in a thread of the server: into folders, and to witnesses.

INDELIBLE_PUBLISH=/mnt/share/audit          a folder for tiles and checkpoints; several are separated as in PATH
INDELIBLE_ANCHOR=/mnt/worm/audit            likewise, for checkpoints alone
INDELIBLE_WITNESS='https://witness.example witness.example/w1+...'      URL and key; several, one a line
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from indelible.background import Background
from indelible.errors import Error, VerificationError
from indelible.log import Log
from indelible.publish.assurance import Assurance, assurance
from indelible.publish.folder import publish
from indelible.publish.witness import Place, cosign

logger = logging.getLogger(__name__)

EVERY = 10.0  # seconds from one look to the next
AFTER_FAILURE = 60.0  # seconds


class Places(NamedTuple):
    """Where the log is to be known."""

    mirrors: tuple[Path, ...] = ()
    anchors: tuple[Path, ...] = ()
    witnesses: tuple[Place, ...] = ()

    @classmethod
    def configured(cls, environment: Mapping[str, str] = os.environ) -> "Places":
        """As the environment names them. Raises UsageError, MalformedError."""
        mirrors, anchors = (
            tuple(Path(each) for each in environment.get(name, "").split(os.pathsep) if each)
            for name in ("INDELIBLE_PUBLISH", "INDELIBLE_ANCHOR")
        )
        lines = environment.get("INDELIBLE_WITNESS", "").splitlines()
        return cls(mirrors, anchors, tuple(Place.parse(line) for line in lines if line.strip()))

    def assurance(self, log: Log) -> Assurance:
        return assurance(log, [*self.mirrors, *self.anchors], [each.witness for each in self.witnesses])


class Publisher(Background):
    """A round when asked, or a thread that looks again and again."""

    NAME = "indelible-publisher"

    def __init__(self, log: Log, places: Places, every: float = EVERY) -> None:
        super().__init__()
        self._log = log
        self._places = places
        self._every = every
        self._size = 0  # of the log, as it was known everywhere last
        self.failures: list[str] = []  # of the last round: what is not known where it is to be, and why
        self.forked = False  # another place has another history of this log
        self.assurance: Assurance | None = None  # as of the last round

    def tell(self) -> list[str]:
        """Tell every place that does not know yet; gives what failed. One that fails keeps none of the others.

        Where the log stands is looked at each time: what was put there may be gone, or be another's, since.
        """
        size = self._log.signed_size()
        known = size == self._size and not self.failures
        failures, forked = list[str](), False
        for name, step in [*([] if known else self._steps()), ("assurance", self._assure)]:
            if self._stopped.is_set():  # each place may take its time: whoever starts next tells the others
                return failures
            try:
                step()
            except Exception as error:
                unexpected = not isinstance(error, Error)  # of what is known one sentence is enough
                logger.error("The log is not known to %s: %s", name, error, exc_info=unexpected)  # noqa: TRY400
                failures.append(f"{name}: {error}")
                forked = forked or isinstance(error, VerificationError)
        if forked:  # whoever is sure of one of two histories may be so of the wrong one
            self.assurance = None
        self.failures, self.forked, self._size = failures, forked, size
        return failures

    def _assure(self) -> None:
        try:
            self.assurance = self._places.assurance(self._log)
        except BaseException:
            self.assurance = None
            raise

    def _steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        for folder in self._places.mirrors:
            yield str(folder), partial(publish, self._log, folder)
        for folder in self._places.anchors:
            yield str(folder), partial(publish, self._log, folder, entries=False)
        for place in self._places.witnesses:
            yield place.witness.name, partial(cosign, self._log, place)

    def told(self, health: dict[str, Any]) -> dict[str, Any]:
        """Health, with how sure one may be, and what is not known elsewhere. Another history there is no health."""
        level = {"assurance": self.assurance.level} if self.assurance else {}
        failing = {"status": "failing"} if self.forked else {}
        return health | level | ({"unpublished": self.failures} | failing if self.failures else {})

    def start(self) -> None:
        """Nothing to tell anybody: no thread."""
        if any(self._places):
            super().start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                failed = bool(self.tell())
            except Exception:
                logger.exception("The log could not be published, and will be again")
                failed = True
            self._stopped.wait(AFTER_FAILURE if failed else self._every)
