"""Sets of the entries of a block: an integer whose bit i says whether the entry at place i is in it.

AND, OR and counting them are single steps of the interpreter, whatever their size.
"""

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress

from indelible.errors import LogError

THRIFTY = 32  # a set of fewer entries than one in so many takes less room if it is packed
QUICK = 1024  # less time, too: a bit for each takes 6 microseconds to read, packed ones 8 to 16
ONE_BY_ONE = 64  # places that take less time one by one than packed
LEVEL = 1  # the quickest, to read too
DEFLATED = -15  # to `zlib`: without head and checksum, since whoever doubts makes the block again
HANDFUL = 8  # places that are sooner found one by one
SHIFTED = 16  # places that are sooner put in one by one

_FLAGS = bytes.maketrans(b"01", b"\0\1")


def pack(places: Sequence[int], size: int, sparse: int = THRIFTY) -> bytes:
    """Rising places of a block of `size` (a multiple of 16, or so small that none is deflated): a bit for every entry.

    Where they are fewer than one in `sparse` that is deflated, and has an odd length; if they are few, 16 bits each.
    """
    if sparse * len(places) >= size:
        return _bits(places, size)
    if len(places) <= ONE_BY_ONE:
        return array("H", places).tobytes()
    deflated = zlib.compress(_bits(places, size), LEVEL, DEFLATED)
    return deflated if len(deflated) % 2 else deflated + b"\0"  # which is not looked at


def union(packed: Iterable[bytes | memoryview], size: int, start: int = 0, stop: int | None = None) -> int:
    """Of sets that were packed. Where only bytes `start` <= byte < `stop` of it are wanted, the first bit given back
    is of the place 8 * start; there may be some behind those that are wanted.
    """
    few, found = bytearray(), 0
    for data in packed:
        if len(data) == size // 8:
            found |= int.from_bytes(data[start:stop], "little")
        elif len(data) % 2:
            found |= int.from_bytes(_inflated(data, size)[start:stop], "little")
        else:
            few += data
    return found | gather(array("H", bytes(few)), size) >> 8 * start if few else found


def _inflated(data: bytes | memoryview, size: int) -> bytes:
    try:
        found = zlib.decompressobj(DEFLATED).decompress(data, size // 8 + 1)  # of what was tampered with no more
    except zlib.error as error:
        raise _damaged(error) from error
    if len(found) != size // 8:
        raise _damaged(f"a set has {len(found)} bytes, not {size // 8}")
    return found


def _damaged(what: object) -> LogError:
    return LogError(f"The search index is damaged: {what}. Remove its folder: it is made again.")


def gather(places: Sequence[int], size: int) -> int:
    """The set of these."""
    found = 0
    if len(places) > SHIFTED:
        try:
            return int.from_bytes(_bits(places, size), "little")
        except IndexError as error:
            raise _damaged(error) from error
    for place in places:
        found |= 1 << place
    if found.bit_length() > size:
        raise _damaged(f"{found.bit_length()} entries of {size}")
    return found


def extent(bits: int) -> tuple[int, int]:
    """Between which bytes they are."""
    lowest = 0 if bits & 1 else max(0, (bits & -bits).bit_length() - 1)  # to see the first one takes no time
    return lowest // 8, -(-bits.bit_length() // 8)


def newest(bits: int, limit: int) -> int:
    """The highest `limit` of them."""
    if bits.bit_count() <= limit:
        return bits
    lowest = bisect_left(range(bits.bit_length()), -limit, key=lambda place: -(bits >> place).bit_count())
    return bits >> lowest << lowest


def places(bits: int) -> list[int]:
    """Rising."""
    count = bits.bit_count()
    if count <= HANDFUL:
        return _from_the_top(bits)[::-1]
    first = (bits & -bits).bit_length() - 1
    told = bin(bits >> first)[:1:-1]
    if count > len(told) // 6:  # as measured
        return list(compress(range(first, first + len(told)), told.encode().translate(_FLAGS)))
    found, place = [], 0
    while place >= 0:
        found.append(first + place)
        place = told.find("1", place + 1)
    return found


def _from_the_top(bits: int) -> list[int]:
    found = []
    while bits:
        found.append(bits.bit_length() - 1)
        bits ^= 1 << found[-1]
    return found


def _bits(places: Sequence[int], size: int) -> bytes:
    """A bit for every entry of a block."""
    found = bytearray(size // 8)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return bytes(found)
