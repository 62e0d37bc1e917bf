"""The bytes of a block, from its entries: of the same entries always the same."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from indelible.event import read
from indelible.index import image
from indelible.index.block import ZONE
from indelible.index.grams import LENGTH, beginning, grams
from indelible.index.sets import QUICK, THRIFTY
from indelible.index.texts import TEXTS
from indelible.merkle.tree import leaf_hash

COMMON = 16  # entries of a block that have the same text
MANY = 8  # grams that begin alike, of which a set together takes less time to read than those of each
Row = tuple[int, ...]  # time, and what each dictionary of `image.DIMENSIONS` calls the entry's name; 0: it has none
Sets = dict[int, list[int]]


def make(first: int, rows: Sequence[Row], lines: Sequence[bytes]) -> bytes:
    """The block of these entries. Raises EventError for a line that is none."""
    size = len(rows)
    sections = {"last": leaf_hash(lines[-1])} | _times([row[0] for row in rows])
    for at, dimension in enumerate(image.DIMENSIONS, 1):
        sets, sections[f"{dimension}.codes"] = _coded([row[at] for row in rows])
        sections |= _table(dimension, sets, size, QUICK)
    for kind, found in _texts(lines).items():
        common = sorted(text for text, places in found.items() if len(places) >= COMMON)
        known = {number: sorted(set(found[text])) for number, text in enumerate(common)}
        sections[f"common {kind}.texts"] = msgspec.json.encode(common)
        sections |= _table(f"common {kind}", known, size, QUICK) | _table(kind, cut(found), size, THRIFTY)
    return image.write(first, size, sections)


def _texts(lines: Sequence[bytes]) -> dict[str, dict[str, list[int]]]:
    """Of each kind the case-folded texts, and where they stand."""
    where: dict[str, dict[str, list[int]]] = {kind: defaultdict(list) for kind in TEXTS}
    for place, line in enumerate(lines):
        entry = read(line)
        for kind, texts in TEXTS.items():
            for found in texts(entry):
                where[kind][found.casefold()].append(place)
    return where


def cut(found: dict[str, list[int]]) -> Sets:
    """Each text is cut once, wherever it stands."""
    sets: Sets = defaultdict(list)
    for word, places in found.items():
        for gram in grams(word):
            sets[gram] += places
    for alike in _alike(sets):
        sets[alike[0]] = [place for gram in alike[1:] for place in sets[gram]]
    return {gram: sorted(set(places)) for gram, places in sets.items()}


def _alike(found: Iterable[int]) -> list[list[int]]:
    """What stands for the grams that begin with one character or two, where these are many; and those."""
    groups: dict[int, list[int]] = defaultdict(list)
    for gram in found:
        for characters in range(1, LENGTH):
            groups[beginning(gram, characters)].append(gram)
    return [[number, *alike] for number, alike in groups.items() if len(alike) >= MANY]


def _coded(ids: Sequence[int]) -> tuple[Sets, bytes]:
    """The sets of a dictionary, and for each entry which of the keys it has, from 1; 0: none."""
    sets: Sets = defaultdict(list)
    for place, id_ in enumerate(ids):
        sets[id_].append(place)
    sets.pop(0, None)
    code = {0: 0} | {id_: number for number, id_ in enumerate(sorted(sets), 1)}
    return sets, array("H", map(code.__getitem__, ids)).tobytes()


def _times(times: Sequence[int]) -> dict[str, bytes]:
    zones = [times[start : start + ZONE] for start in range(0, len(times), ZONE)]
    return {
        "times": array("q", times).tobytes(),
        "lowest": array("q", map(min, zones)).tobytes(),
        "highest": array("q", map(max, zones)).tobytes(),
    }


def _table(name: str, sets: Sets, size: int, sparse: int) -> dict[str, bytes]:
    parts = zip(("keys", "ends", "sets"), image.table(sets, size, sparse), strict=True)
    return {f"{name}.{part}": data for part, data in parts}
