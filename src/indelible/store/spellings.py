"""How names are spelled, as far as this process has read it: those of most dictionaries never change.

An organization is given other names later, so the store is asked for those each time, and where there are too many.
"""

from threading import Lock

from indelible.store.dictionary import PLAIN
from indelible.store.folding import Spelled, Texts, fitting
from indelible.store.promise import Dimension, Store

MOST = 20_000  # names of a dictionary: 4 MB


class Spellings:
    """Of one log. `upto` first, then ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._size = 0
        self._known = _nothing()
        self._texts: dict[Dimension, tuple[list[Spelled], Texts]] = {}  # of which names, and these as texts

    def upto(self, size: int) -> None:
        """Know the names of a log of this size. Raises LogError."""
        with self._lock:
            if size == self._size:
                return
            known = self._known
            if not self._read_on(known):
                known = _nothing()
                self._read_on(known)
            self._known = {each: names for each, names in known.items() if len(names) <= MOST}
            self._size = size

    def _read_on(self, known: dict[Dimension, list[Spelled]]) -> bool:
        """Each dictionary from the last name that is known. False: it has another one in its place."""
        if not known:
            return True
        found = self._store.spelled({each: names[-1][0] if names else 0 for each, names in known.items()}, MOST + 1)
        if any(names[-1:] != found[each][: len(names[-1:])] for each, names in known.items()):
            return False
        for dimension, names in found.items():
            known[dimension].extend(names[len(known[dimension][-1:]) :])  # at its end: others read meanwhile
        return True

    def having(self, dimension: Dimension, text: str) -> list[int]:
        """As `Store.having`."""
        known = self._known.get(dimension)
        if known is None:
            return self._store.having(dimension, text)
        texts = self._texts_of(dimension, known)
        if texts.common(text):
            return [id_ for id_, told in known if text in told]
        return [known[number][0] for number in texts.having(text, lambda told: text in told)]

    def _texts_of(self, dimension: Dimension, known: list[Spelled]) -> Texts:
        """As far as they are known: others may read on meanwhile."""
        of, texts = self._texts.get(dimension, (None, Texts(())))
        if of is not known or len(texts) != len(known):
            texts = Texts([told for _, told in known])
            self._texts[dimension] = known, texts
        return texts

    def fitting(self, dimension: Dimension, pattern: str) -> list[int]:
        """As `Store.fitting`."""
        known = self._known.get(dimension)
        return self._store.fitting(dimension, pattern) if known is None else fitting(pattern, known)


def _nothing() -> dict[Dimension, list[Spelled]]:
    return {dimension: [] for dimension in PLAIN}
