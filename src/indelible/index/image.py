"""A block as one run of bytes: a header, and sections that are arrays of this machine's numbers.

It never leaves the machine: on one with another order of bytes it is no block, and made again.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

from indelible.index.sets import pack
from indelible.index.texts import TEXTS
from indelible.store.promise import Dimension

MAGIC = 0x494E_4445_5801  # "INDEX", and the version of what is below
DIMENSIONS: tuple[Dimension, ...] = (
    "action", "operation", "source", "entity_type", "entity", "actor", "organization",
)  # fmt: skip
COMMON = tuple(f"common {kind}" for kind in TEXTS)  # texts that many entries have, as they are
SECTIONS = (
    "last",  # the leaf's hash of its last entry: says of which log it is, and which history of that
    "times", "lowest", "highest",
    *(f"{table}.{part}" for table in (*DIMENSIONS, *TEXTS, *COMMON) for part in ("keys", "ends", "sets")),
    *(f"{kind}.texts" for kind in COMMON),
    *(f"{dimension}.codes" for dimension in DIMENSIONS),
)  # fmt: skip
ALIGNED = 8
LARGEST = 65_536  # entries: a place has 16 bits

_HEADER = struct.Struct("=QQQQ")  # magic, first entry, entries, bytes in all
_ENDS = struct.Struct(f"={len(SECTIONS)}Q")
START = -(-(_HEADER.size + _ENDS.size) // ALIGNED) * ALIGNED


def write(first: int, size: int, sections: Mapping[str, bytes]) -> bytes:
    """The block of entries first <= seq < first + size; of the sections all are needed."""
    padded = [sections[name].ljust(-(-len(sections[name]) // ALIGNED) * ALIGNED, b"\0") for name in SECTIONS]
    starts = list(accumulate(map(len, padded), initial=START))
    ends = [start + len(sections[name]) for start, name in zip(starts, SECTIONS, strict=False)]
    head = _HEADER.pack(MAGIC, first, size, starts[-1]) + _ENDS.pack(*ends)
    return b"".join([head.ljust(START, b"\0"), *padded])


def read(data: memoryview) -> tuple[int, int, dict[str, memoryview]] | None:
    """Its first entry, how many it has, and its sections; None if these are not the bytes of one block."""
    if measure(data) != len(data):
        return None
    _, first, size, _ = _HEADER.unpack_from(data)
    ends = _ENDS.unpack_from(data, _HEADER.size)
    if not 0 < size <= LARGEST or size % 8 or ends[-1] > len(data) or any(a > b for a, b in pairwise((START, *ends))):
        return None
    sections = dict(_sections(data))
    return (first, size, sections) if _fits(size, sections) else None


def _fits(size: int, sections: Mapping[str, memoryview]) -> bool:
    """Whether they have the lengths that they are read by; what is in them `verify` knows."""
    length = {name: len(section) for name, section in sections.items()}
    tables = [name.removesuffix(".keys") for name in length if name.endswith(".keys")]
    return (
        all(length[f"{name}.keys"] == 2 * length[f"{name}.ends"] and length[f"{name}.ends"] % 4 == 0 for name in tables)
        and all(length[f"{dimension}.codes"] == 2 * size for dimension in DIMENSIONS)
        and length["times"] == 8 * size
        and length["lowest"] == length["highest"] > 0
        and length["lowest"] % 8 == 0
    )


def measure(data: memoryview) -> int | None:
    """Bytes of the block that begins here."""
    if len(data) < START:
        return None
    magic, _, _, length = _HEADER.unpack_from(data)
    return length if magic == MAGIC and START <= length <= len(data) else None


def table(sets: Mapping[int, Sequence[int]], size: int, sparse: int) -> tuple[bytes, bytes, bytes]:
    """Keys, the ends of their sets, and the sets, packed as `pack` is told."""
    keys = sorted(sets)
    packed = [pack(sets[key], size, sparse) for key in keys]
    return array("Q", keys).tobytes(), array("I", accumulate(map(len, packed))).tobytes(), b"".join(packed)


def _sections(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    start = START
    for name, end in zip(SECTIONS, _ENDS.unpack_from(data, _HEADER.size), strict=True):
        yield name, data[start:end]
        start = -(-end // ALIGNED) * ALIGNED
