"""RFC 6962, 2.1.1 and 2.1.2, word by word: slow and obvious, so that the real proofs have something to agree with."""

from collections.abc import Sequence
from hashlib import sha256

from tests.checking import mth

Hashes = list[bytes]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, leaves: Sequence[bytes]) -> Hashes:
    """PATH(m, D[n])."""
    n = len(leaves)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> Hashes:
    """PROOF(m, D[n])."""
    return subproof(m, leaves, whole=True)


def subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> Hashes:
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def extends(m: int, n: int, old: bytes, new: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2, step by step: whether the proof leads from the root of m leaves to that of n."""
    if m == 0:
        return not path
    if m == n:
        return not path and old == new
    nodes = list(path)
    if m & (m - 1) == 0:
        nodes.insert(0, old)
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    if not nodes:
        return False
    fr = sr = nodes.pop(0)
    for c in nodes:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = sha256(b"\x01" + c + fr).digest()
            sr = sha256(b"\x01" + c + sr).digest()
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = sha256(b"\x01" + sr + c).digest()
        fn >>= 1
        sn >>= 1
    return (fr, sr, sn) == (old, new, 0)
