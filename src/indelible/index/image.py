"""A block as one run of bytes: a header, and sections that are arrays of this machine's numbers.

It never leaves the machine: on one with another order of bytes it is no block, and made again.
"""

import struct
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from indelible.index.sets import pack
from indelible.index.texts import TEXTS
from indelible.store.promise import Dimension

MAGIC = 0x494E_4445_5804  # "INDEX", and the version of what is below
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
_PLACES = {name: place for place, name in enumerate(SECTIONS)}
ALIGNED = 8
LARGEST = 65_536  # entries: a place has 16 bits

_HEADER = struct.Struct("=QQQQ")  # magic, first entry, entries, bytes in all
_ENDS = struct.Struct(f"={len(SECTIONS)}Q")
_END, _TWO_ENDS = struct.Struct("=Q"), struct.Struct("=2Q")
START = -(-(_HEADER.size + _ENDS.size) // ALIGNED) * ALIGNED


def write(first: int, size: int, sections: Mapping[str, bytes]) -> bytes:
    """The block of entries first <= seq < first + size; of the sections all are needed."""
    padded = [sections[name].ljust(_aligned(len(sections[name])), b"\0") for name in SECTIONS]
    starts = list(accumulate(map(len, padded), initial=START))
    ends = [start + len(sections[name]) for start, name in zip(starts, SECTIONS, strict=False)]
    head = _HEADER.pack(MAGIC, first, size, starts[-1]) + _ENDS.pack(*ends)
    return b"".join([head.ljust(START, b"\0"), *padded])


def read(data: memoryview) -> tuple[int, int] | None:
    """Its first entry, and how many it has; None if these are not the bytes of one block."""
    if measure(data) != len(data):
        return None
    _, first, size, _ = _HEADER.unpack_from(data)
    ends = _ENDS.unpack_from(data, _HEADER.size)
    if not 0 < size <= LARGEST or size % 8 or ends[-1] > len(data) or any(a > b for a, b in pairwise((START, *ends))):
        return None
    starts = (START, *(_aligned(end) for end in ends[:-1]))
    length = {name: end - start for name, start, end in zip(SECTIONS, starts, ends, strict=True)}
    return (first, size) if _fits(size, length) else None


def section(data: memoryview, name: str) -> memoryview:
    """One of a block's. They are cut out when they are asked for: a log has thousands of blocks."""
    place = _PLACES[name]
    if place == 0:
        return data[START : _END.unpack_from(data, _HEADER.size)[0]]
    before, end = _TWO_ENDS.unpack_from(data, _HEADER.size + (place - 1) * _END.size)
    return data[_aligned(before) : end]


def _fits(size: int, length: Mapping[str, int]) -> bool:
    """Whether sections have the lengths that they are read by; what is in them `verify` knows."""
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


def _aligned(end: int) -> int:
    return -(-end // ALIGNED) * ALIGNED
