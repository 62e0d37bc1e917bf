"""Proofs are RFC 6962's, they hold, and nothing that was forged does."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.proof import consistency, inclusion, root_from_inclusion, roots_from_consistency
from indelible.merkle.tree import leaf_hash, node_hash
from tests.checking import mth
from tests.merkle import rfc6962

LEAVES = [b"%d" % number for number in range(300)]
Hashes = list[bytes]


def made(runs: list[range]) -> Hashes:
    return [mth(LEAVES[run.start : run.stop]) for run in runs]


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_an_inclusion_proof_is_the_transcriptions_and_leads_to_the_root(both: tuple[int, int]) -> None:
    index, size = both
    proof = made(inclusion(index, size))
    assert proof == rfc6962.path(index, LEAVES[:size])
    assert root_from_inclusion(leaf_hash(LEAVES[index]), index, size, proof) == mth(LEAVES[:size])


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
def test_a_consistency_proof_is_the_transcriptions_and_leads_to_both_roots(both: tuple[int, int]) -> None:
    old, size = both
    proof = made(consistency(old, size))
    assert proof == rfc6962.proof(old, LEAVES[:size])
    before, after = mth(LEAVES[:old]), mth(LEAVES[:size])
    assert roots_from_consistency(old, size, before, proof) == (before, after)


def test_every_tree_up_to_70_leaves() -> None:
    roots = [mth(LEAVES[:size]) for size in range(71)]
    for size in range(1, 71):
        for index in range(size):
            proof = made(inclusion(index, size))
            assert proof == rfc6962.path(index, LEAVES[:size])
            assert root_from_inclusion(leaf_hash(LEAVES[index]), index, size, proof) == roots[size]
        for old in range(1, size + 1):
            proof = made(consistency(old, size))
            assert proof == rfc6962.proof(old, LEAVES[:size])
            assert roots_from_consistency(old, size, roots[old], proof) == (roots[old], roots[size])


def test_ten_thousand_random_trees_of_any_size_agree_with_another_way_to_hold_them() -> None:
    """Of trees that nobody could make: a run's root is named by the run, so that what a proof leads to can be read."""
    random = Random(6962)  # noqa: S311 - the same trees in each run
    for _ in range(10_000):
        size = random.randrange(1, 2 ** random.randrange(1, 50))
        index, old = random.randrange(size), random.randrange(1, size + 1)
        runs = inclusion(index, size)
        assert min(run.start for run in [*runs, range(index, index + 1)]) == 0
        assert sum(map(len, runs)) == size - 1
        assert all(len(run) & (len(run) - 1) == 0 or run.stop == size for run in runs)
        newer = [run for run in consistency(old, size) if run.start >= old]
        older = [run for run in consistency(old, size) if run.start < old]
        assert sum(map(len, newer)) == size - old
        assert sum(map(len, older)) == (old if older else 0)
        assert all(run.stop <= old for run in older)


SIZE, INDEX, OLD = 11, 4, 6

Forge = Callable[[Hashes], Hashes]
FORGED: dict[str, Forge] = {
    "nothing": lambda _: [],
    "the first hash missing": lambda proof: proof[1:],
    "the last hash missing": lambda proof: proof[:-1],
    "a hash more at its end": lambda proof: [*proof, bytes(32)],
    "a hash more at its beginning": lambda proof: [bytes(32), *proof],
    "the root behind it": lambda proof: [*proof, mth(LEAVES[:SIZE])],
    "the first hash twice": lambda proof: [proof[0], *proof],
    "two hashes swapped": lambda proof: [proof[1], proof[0], *proof[2:]],
    "the other way round": lambda proof: proof[::-1],
    "one bit of the first hash": lambda proof: [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]],
    "one bit of the last hash": lambda proof: [*proof[:-1], proof[-1][:-1] + bytes([proof[-1][-1] ^ 128])],
    "zeros": lambda proof: [bytes(32)] * len(proof),
    "the leaf's own hash as its sibling": lambda proof: [leaf_hash(LEAVES[INDEX]), *proof[1:]],
    "two hashes as the one they make": lambda proof: [node_hash(proof[0], proof[1]), *proof[2:]],
}


def refused(attempt: Callable[[], object], wanted: object) -> bool:
    try:
        return attempt() != wanted
    except MalformedError:
        return True


@pytest.mark.parametrize("name", FORGED)
def test_an_inclusion_proof_that_was_forged_leads_nowhere(name: str) -> None:
    proof = FORGED[name](made(inclusion(INDEX, SIZE)))
    leaf, root = leaf_hash(LEAVES[INDEX]), mth(LEAVES[:SIZE])
    assert refused(lambda: root_from_inclusion(leaf, INDEX, SIZE, proof), root)


@pytest.mark.parametrize("name", FORGED)
def test_a_consistency_proof_that_was_forged_leads_nowhere(name: str) -> None:
    proof = FORGED[name](made(consistency(OLD, SIZE)))
    before, after = mth(LEAVES[:OLD]), mth(LEAVES[:SIZE])
    assert refused(lambda: roots_from_consistency(OLD, SIZE, before, proof), (before, after))


CLAIMS: dict[str, tuple[bytes, int, int]] = {
    "another leaf": (leaf_hash(LEAVES[5]), INDEX, SIZE),
    "a node as a leaf": (node_hash(leaf_hash(LEAVES[4]), leaf_hash(LEAVES[5])), INDEX, SIZE),
    "the leaf at another place": (leaf_hash(LEAVES[4]), 5, SIZE),
    "the leaf at the place beside": (leaf_hash(LEAVES[4]), 3, SIZE),
    "a smaller tree": (leaf_hash(LEAVES[4]), INDEX, 8),
    "a larger tree": (leaf_hash(LEAVES[4]), INDEX, 40),
    "the line instead of its hash": (LEAVES[4], INDEX, SIZE),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_proof_proves_nothing_else(name: str) -> None:
    leaf, index, size = CLAIMS[name]
    proof = made(inclusion(INDEX, SIZE))
    assert refused(lambda: root_from_inclusion(leaf, index, size, proof), mth(LEAVES[:SIZE]))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (6, 5), (0, 0), (-1, 0)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MalformedError, match=f"There is no leaf {index} in a tree of {size}"):
        inclusion(index, size)
    with pytest.raises(MalformedError):
        root_from_inclusion(bytes(32), index, size, [])


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (-1, 5), (0, 0)])
def test_there_is_no_proof_from_a_tree_that_is_none_or_larger(old: int, size: int) -> None:
    with pytest.raises(MalformedError, match=f"A tree of {size} cannot extend one of {old}"):
        consistency(old, size)
    with pytest.raises(MalformedError):
        roots_from_consistency(old, size, bytes(32), [])


def test_equal_trees_are_consistent_if_their_roots_are() -> None:
    assert roots_from_consistency(5, 5, b"a" * 32, []) == (b"a" * 32, b"a" * 32)
