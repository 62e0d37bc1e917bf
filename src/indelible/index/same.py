"""Whether a block says what it is to say, for who doubts it."""

from collections.abc import Iterator
from itertools import pairwise

from indelible.errors import LogError
from indelible.index import image
from indelible.index.sets import union


def same(block: bytes, made: bytes) -> bool:
    """Whether two say the same: another version of zlib may deflate a set to other bytes."""
    if block == made:
        return True
    ours, theirs = memoryview(block), memoryview(made)
    told = image.read(ours)
    if told is None or told != image.read(theirs):
        return False
    try:
        return all(_same(name, ours, theirs, told[1]) for name in image.SECTIONS)
    except LogError:  # a set that cannot be read
        return False


def _same(name: str, ours: memoryview, theirs: memoryview, size: int) -> bool:
    table, _, part = name.rpartition(".")
    if part == "ends":  # of sets that may be longer or shorter
        ends = [0, *image.section(ours, name).cast("I")]
        return ends[-1] == len(image.section(ours, f"{table}.sets")) and all(a <= b for a, b in pairwise(ends))
    if part != "sets":
        return image.section(ours, name) == image.section(theirs, name)
    pairs = zip(_sets(ours, table), _sets(theirs, table), strict=False)  # as many as there are keys, which are compared
    return all(a == b or union([a], size) == union([b], size) for a, b in pairs)


def _sets(block: memoryview, table: str) -> Iterator[memoryview]:
    packed = image.section(block, f"{table}.sets")
    for start, end in pairwise([0, *image.section(block, f"{table}.ends").cast("I")]):
        yield packed[start:end]
