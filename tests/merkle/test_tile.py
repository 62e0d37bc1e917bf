"""Tiles are those of C2SP: paths, hashes, and the entries in bundles; every proof is made of few of them."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.proof import consistency, inclusion
from indelible.merkle.tile import Tile, bundle, completed, grow, split, subtree, tiles, unbundle
from indelible.merkle.tree import Frontier, leaf_hash
from tests.checking import mth

LEAVES = [b"%d" % number for number in range(70_000)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
KEPT: dict[tuple[int, int], bytes] = {(0, number): hash_ for number, hash_ in enumerate(HASHES)}


def keep() -> None:
    frontier = Frontier()
    for hash_ in HASHES:
        for level, number, node in completed(frontier, hash_):
            assert (level, number) not in KEPT
            KEPT[level, number] = node
        frontier.append(hash_)


keep()


def kept(level: int, start: int, stop: int) -> list[bytes]:
    assert stop - start <= 128
    return [KEPT[level, number] for number in range(start, stop)]


@settings(max_examples=30, deadline=None)  # each hashes a hundred thousand nodes
@given(st.lists(st.integers(0, 700), max_size=6))
def test_leaves_added_together_are_leaves_added_one_by_one(widths: list[int]) -> None:
    """Across the edges of tiles, and of the tiles above them, in any batches."""
    frontier, bare, size = Frontier(0), Frontier(0), 0
    for width in [*widths, 65_300, *widths]:
        added = HASHES[size : size + width]
        nodes = grow(frontier, added)
        bare.extend(added)
        places = [(level, number) for level, number, _ in nodes]
        made = [(1, number) for number in range(size >> 8, (size + len(added)) >> 8)]
        made += [(2, number) for number in range(size >> 16, (size + len(added)) >> 16)]
        size += len(added)
        assert sorted(places) == sorted(made)
        assert [node for *_, node in nodes] == [KEPT[place] for place in places]
        assert (frontier.size, frontier.hashes) == (bare.size, bare.hashes)
    assert size == frontier.size
    assert frontier.root() == subtree(range(size), kept)


# tlog-tiles: "index 1234067 will be encoded as x001/x234/067".
PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/x001/x234/067": Tile(0, 1234067),
    "tile/1/x001/234.p/17": Tile(1, 1234, 17),
    "tile/entries/000.p/1": Tile("entries", 0, 1),
    "tile/entries/x999/x999/999": Tile("entries", 999_999_999),
    "tile/63/999": Tile(63, 999),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_the_specs(path: str) -> None:
    assert Tile.parse(path) == PATHS[path]
    assert str(PATHS[path]) == path


@given(
    st.builds(
        Tile, st.one_of(st.just("entries"), st.integers(0, 63)), st.integers(0, 10**15), st.integers(1, 256)
    )
)  # fmt: skip
def test_every_path_is_read_as_it_was_written(tile: Tile) -> None:
    assert Tile.parse(str(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/01/000",
        "tile/64/000", "tile/-1/000", "tile/0/x000/001", "tile/0/x001/x000", "tile/0/001/000", "tile/0/x001",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "/tile/0/000",
        "tile/0/000/", "tile/0/000\n", "tile/entry/000", "tile/0/٠٠٠", "tile/0/000.p/٣",
        "tile/0/" + "x001/" * 40 + "001", "tile/0/000.p/1.p/1", "tile/0/../000", "checkpoint",
    ],
)  # fmt: skip
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(MalformedError, match="is no path of a tile"):
        Tile.parse(path)


@given(st.text())
def test_any_text_is_refused_by_one_error(text: str) -> None:
    with pytest.raises(MalformedError):
        Tile.parse(text)


def test_a_tree_of_70000_has_the_specs_tiles() -> None:
    """273 full ones of level 0, a partial of 112; a full one of level 1, a partial of 17; one of width 1 above."""
    paths = [str(tile) for tile in tiles(70_000)]
    assert len(paths) == len(set(paths)) == 2 * 274 + 2 + 1
    assert {"tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} <= set(paths)
    assert {"tile/entries/272", "tile/entries/273.p/112"} <= set(paths)


def test_a_tree_of_256_has_the_specs_tiles() -> None:
    assert [str(tile) for tile in tiles(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


def test_an_empty_tree_has_no_tiles() -> None:
    assert list(tiles(0)) == []


@given(st.integers(0, 200_000).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))))
def test_what_a_tree_has_more_than_a_smaller_one_is_what_its_tiles_say(both: tuple[int, int]) -> None:
    since, size = both
    grown = list(tiles(size, since))
    assert set(tiles(since)) | set(grown) >= set(tiles(size))
    assert not [tile for tile in grown if tile.within(since)]
    assert all(tile.within(size) for tile in grown)


def test_the_hashes_of_a_tile_are_those_of_the_leaves_below() -> None:
    assert KEPT[1, 3] == mth(LEAVES[3 * 256 : 4 * 256])
    assert KEPT[2, 0] == mth(LEAVES[:65_536])
    assert sorted(key for key in KEPT if key[0]) == [*((1, number) for number in range(273)), (2, 0)]


def test_every_run_of_a_proof_is_made_of_few_hashes() -> None:
    random, wanted = Random(8), set[range]()  # noqa: S311 - the same trees in each run
    for _ in range(150):
        size = random.randrange(1, len(LEAVES) + 1)
        for run in inclusion(random.randrange(size), size) + consistency(random.randrange(1, size + 1), size):
            wanted.add(run)
    for run in wanted:
        frontier = Frontier()
        for hash_ in HASHES[run.start : run.stop]:
            frontier.append(hash_)
        assert subtree(run, kept) == frontier.root()


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_is_read_as_it_was_written(lines: list[bytes]) -> None:
    assert unbundle(bundle(lines)) == lines


def test_a_bundle_is_the_specs_bytes() -> None:
    assert bundle([b"abc", b"", b"x" * 300]) == b"\x00\x03abc\x00\x00\x01\x2c" + b"x" * 300


def test_an_entry_that_has_no_length_is_not_bundled() -> None:
    assert unbundle(bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(OverflowError):
        bundle([b"x" * 65_536])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=9), st.integers(min_value=1))
def test_a_bundle_that_was_cut_is_refused_or_has_fewer_whole_entries(lines: list[bytes], cut: int) -> None:
    data = bundle(lines)
    part = data[: -(cut % len(data)) or None]
    if part == data:
        return
    try:
        found = unbundle(part)
    except MalformedError:
        return
    assert found == lines[: len(found)]
    assert len(found) < len(lines)


def test_a_tile_is_split_into_its_hashes() -> None:
    assert split(b"".join(HASHES[:17])) == HASHES[:17]
    for data in (b"", b"x", b"x" * 33, b"x" * 32 * 257):
        with pytest.raises(MalformedError, match="A tile has 1 to 256 hashes"):
            split(data)
