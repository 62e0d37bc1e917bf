"""Sets of the entries of a block: an integer whose bit i says whether the entry at place i is in it.

AND, OR and counting them are single steps of the interpreter, whatever their size.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress

# At one entry in 16 both ways take the same room, at one in 500 or so the same time.
THRIFTY = 32
QUICK = 1024
HANDFUL = 8  # places that are sooner found one by one
SHIFTED = 16  # places that are sooner put in one by one

_FLAGS = bytes.maketrans(b"01", b"\0\1")


def pack(places: Sequence[int], size: int, sparse: int = THRIFTY) -> bytes:
    """Rising places of a block of `size` (a multiple of 8, 65,536 at most): 16 bits each, or a bit for every entry.

    The former where they are fewer than one in `sparse`: it takes less room, but reading them one by one takes time.
    """
    if sparse * len(places) < size:
        return array("H", places).tobytes()
    return _bits(places, size)


def union(packed: Iterable[bytes | memoryview], size: int, start: int = 0, stop: int | None = None) -> int:
    """Of sets that were packed, 8 * start <= place < 8 * stop; the place 8 * start is bit 0 of what is given back."""
    few, found = bytearray(), 0
    for data in packed:
        if len(data) == size // 8:
            found |= int.from_bytes(data[start:stop], "little")
        else:
            few += data
    places = array("H", bytes(few))
    if len(places) > SHIFTED:
        return found | int.from_bytes(_bits(places, size)[start:stop], "little")
    for place in places if stop is None else [place for place in places if 8 * start <= place < 8 * stop]:
        found |= 1 << place - 8 * start
    return found


def reach(bits: int) -> tuple[int, int]:
    """Between which bytes they are."""
    return max(0, (bits & -bits).bit_length() - 1) // 8, -(-bits.bit_length() // 8)


def at_most(bits: int, limit: int) -> bool:
    """Whether there are so many, or fewer: to count a few of them is quicker than to count all."""
    for _ in range(limit):
        if not bits:
            break
        bits &= bits - 1  # without the lowest
    return not bits


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
    bits = bytearray(size // 8)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)
