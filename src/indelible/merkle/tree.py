"""The Merkle tree of RFC 6962, section 2.1, kept as its frontier.

A tree of n leaves is a row of perfect subtrees, one for each set bit of n, the largest first. Their roots
are the frontier: all that is needed to append, and to compute the root; at most 64 hashes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Self

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # "The hash of an empty list is the hash of an empty string"


def leaf_hash(line: bytes) -> bytes:
    """RFC 6962 2.1: MTH({d(0)}) = SHA-256(0x00 || d(0)). The prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that can grow: its size in leaves and the roots of its perfect subtrees."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """`hashes` runs from the largest subtree to the smallest. Raises ValueError if they are not size's."""
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count() or any(len(h) != HASH_SIZE for h in self.hashes):
            raise ValueError(f"a tree of {size} leaves has {max(size, 0).bit_count()} subtrees, not {len(self.hashes)}")

    def append(self, leaf: bytes) -> None:
        """Add a leaf's hash: it merges with each subtree as large as what it has become."""
        size, node, hashes = self.size, leaf, self.hashes
        self.size = size + 1
        while size & 1:
            node = node_hash(hashes.pop(), node)
            size >>= 1
        hashes.append(node)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the hashes of many leaves: as `append` for each, but a level of the tree at a time."""
        size, row, alone = self.size, list(leaves), list[bytes]()
        self.size += len(row)
        while row:
            if size & 1:
                row.insert(0, self.hashes.pop())
            if len(row) & 1:
                alone.append(row.pop())
            pairs = iter(row)
            row = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
            size >>= 1
        self.hashes += reversed(alone)

    def completes(self, leaf: bytes) -> Iterator[bytes]:
        """The roots of the perfect subtrees that this leaf would complete: of 1 leaf, of 2, of 4 and so on."""
        size, node = self.size, leaf
        yield node
        for left in reversed(self.hashes):
            if not size & 1:
                return
            yield (node := node_hash(left, node))
            size >>= 1

    def root(self) -> bytes:
        """MTH of all leaves: the subtrees joined from the right."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    def copy(self) -> Self:
        return type(self)(self.size, self.hashes)

    def pack(self) -> bytes:
        """The hashes one after another; the size says how many."""
        return b"".join(self.hashes)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Self:
        """Raises ValueError if the bytes are not those of a tree of `size` leaves."""
        if len(packed) % HASH_SIZE:
            raise ValueError(f"{len(packed)} bytes are no whole number of hashes")
        return cls(size, (packed[i : i + HASH_SIZE] for i in range(0, len(packed), HASH_SIZE)))
