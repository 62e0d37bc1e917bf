"""The tree is RFC 6962's: held against a slow transcription of it, and against its reference vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.merkle.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from tests.checking import mth

# The inputs and roots of the reference tests of Certificate Transparency.
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_the_reference_vectors(size: int) -> None:
    assert grown(INPUTS[:size]).root().hex() == ROOTS[size]
    assert mth(INPUTS[:size]).hex() == ROOTS[size]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == mth([])


@given(st.lists(st.binary(max_size=4), max_size=130))
def test_any_tree_is_the_transcriptions(leaves: list[bytes]) -> None:
    assert grown(leaves).root() == mth(leaves)


@given(st.lists(st.binary(max_size=2), max_size=70), st.integers(0, 70))
def test_a_tree_packed_and_unpacked_at_any_size_grows_on_as_if_it_never_was(leaves: list[bytes], at: int) -> None:
    first = grown(leaves[:at])
    again = Frontier.unpack(first.size, first.pack())
    for leaf in leaves[at:]:
        again.append(leaf_hash(leaf))
    assert (again.size, again.root()) == (len(leaves), mth(leaves))


def test_a_copy_grows_alone() -> None:
    one = grown(INPUTS[:3])
    other = one.copy()
    other.append(leaf_hash(b"x"))
    assert (one.root().hex(), one.size) == (ROOTS[3], 3)


def test_a_frontier_holds_as_many_hashes_as_its_size_has_bits() -> None:
    for size in range(200):
        assert len(grown([b""] * size).hashes) == size.bit_count()


def test_leaves_and_nodes_cannot_be_taken_for_each_other() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(
    ("size", "packed"),
    [
        (-1, b""),
        (0, b"x" * 32),
        (1, b""),
        (1, b"x" * 31),
        (1, b"x" * 64),
        (2, b"x" * 33),
        (3, b"x" * 32),
        (4, b"x" * 64),
    ],
)
def test_bytes_that_are_no_frontier_of_that_size_are_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"hashes|subtrees"):
        Frontier.unpack(size, packed)
