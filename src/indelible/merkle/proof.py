"""Inclusion and consistency proofs: RFC 9162 2.1.3 and 2.1.4, which are RFC 6962's.

A proof is a list of hashes, each the root of a run of leaves. Which runs these are follows from the numbers alone:
`inclusion` and `consistency` say it, so that whoever holds the leaves can make the proof in whatever way is cheap.
Verifying is done in two steps, of which the second is the caller's: the root that a proof leads to, and whether that is
the root that was signed.
"""

from collections.abc import Sequence

from indelible.errors import MalformedError
from indelible.merkle.tree import node_hash


def inclusion(index: int, size: int) -> list[range]:
    """The runs of leaves whose roots prove that leaf `index` is in the tree of `size`, from the leaf upwards.

    RFC 9162 2.1.3.1. Raises MalformedError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise MalformedError(f"There is no leaf {index} in a tree of {size}: 0 <= index < size is needed.")
    start, stop, path = 0, size, []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(range(middle, stop))
            stop = middle
        else:
            path.append(range(start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, size: int) -> list[range]:
    """The runs of leaves whose roots prove that the tree of `size` extends that of `old`.

    In the order of RFC 9162 2.1.4.1. Raises MalformedError unless 0 < old <= size. Of equal sizes the proof is empty.
    """
    if not 0 < old <= size:
        raise MalformedError(f"A tree of {size} cannot extend one of {old}: 0 < old <= size is needed.")
    start, stop, path = 0, size, []
    while stop != old:  # SUBPROOF: as long as the old tree ends within this part of the new one
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(range(middle, stop))
            stop = middle
        else:
            path.append(range(start, middle))
            start = middle
    if start > 0:  # a part of its own, which the old root alone does not tell
        path.append(range(start, stop))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that the proof leads to: RFC 9162 2.1.3.2. Raises MalformedError if it has not the right length."""
    wanted = len(inclusion(index, size))
    if len(proof) != wanted:
        raise MalformedError(f"A proof of leaf {index} in a tree of {size} has {wanted} hashes, this one {len(proof)}.")
    fn, sn, node = index, size - 1, leaf
    for hash_ in proof:
        if fn & 1 or fn == sn:
            node = node_hash(hash_, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, hash_)
        fn, sn = fn >> 1, sn >> 1
    return node


def roots_from_consistency(old: int, size: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that the proof leads to, of the old tree and the new one: RFC 9162 2.1.4.2.

    Raises MalformedError if it has not the right length.
    """
    wanted = len(consistency(old, size))
    if len(proof) != wanted:
        raise MalformedError(f"A proof from {old} to {size} has {wanted} hashes, this one {len(proof)}.")
    if old == size:
        return old_root, old_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # a power of two is a part of the new tree itself
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    before = after = path[0]
    for hash_ in path[1:]:
        if fn & 1 or fn == sn:
            before, after = node_hash(hash_, before), node_hash(hash_, after)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            after = node_hash(after, hash_)
        fn, sn = fn >> 1, sn >> 1
    return before, after


def _split(size: int) -> int:
    """RFC 9162 2.1.1: the largest power of two smaller than size, which is two or more."""
    return 1 << ((size - 1).bit_length() - 1)
