"""A set is what was packed, and a text that has a word is found by the word's grams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.index import image, making
from indelible.index.block import Table
from indelible.index.grams import exact, grams, ranges
from indelible.index.sets import QUICK, THRIFTY, extent, newest, pack, places, union

SIZE = 64
SIZES = st.sampled_from([8, 64, 1024, 16_384, 61_440, 65_536])
words = st.text("ab\0ßé😀", min_size=1, max_size=30)


@given(data=st.data(), size=SIZES)
def test_a_set_is_read_as_it_was_packed(data: st.DataObject, size: int) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=200)))
    assert places(union([pack(chosen, size)], size)) == chosen


@given(data=st.data(), size=SIZES)
def test_several_sets_are_read_as_one(data: st.DataObject, size: int) -> None:
    chosen = data.draw(st.lists(st.sets(st.integers(0, size - 1), max_size=99), max_size=4))
    packed = [pack(sorted(each), size, data.draw(st.sampled_from([THRIFTY, QUICK]))) for each in chosen]
    assert places(union(packed, size)) == sorted(set().union(*chosen))


@given(data=st.data(), size=SIZES)
def test_a_stretch_of_a_set_is_read_as_it_is_in_the_whole(data: st.DataObject, size: int) -> None:
    chosen = data.draw(st.sets(st.integers(0, size - 1), max_size=99))
    within = sum(1 << place for place in data.draw(st.sets(st.integers(0, size - 1), max_size=3)))
    start, stop = extent(within)
    assert within >> 8 * start << 8 * start == within < 1 << 8 * stop
    packed = [pack(sorted(chosen), size, sparse) for sparse in (THRIFTY, QUICK)]
    expected = sum(1 << place for place in chosen) & within
    for each in packed:
        assert (union([each], size, start, stop) << 8 * start) & within == expected


@given(bits=st.integers(0, 2**300), limit=st.integers(1, 300))
def test_the_newest_are_those_at_the_highest_places(bits: int, limit: int) -> None:
    assert places(newest(bits, limit)) == [place for place in range(bits.bit_length()) if bits >> place & 1][-limit:]


def test_full_and_half_full_sets_are_read_as_they_were_packed() -> None:
    for chosen in (range(1024), range(0, 1024, 2), range(31), range(32), range(33)):
        assert places(union([pack(chosen, 1024)], 1024)) == list(chosen)
        assert len(pack(chosen, 1024)) <= 128


@given(before=words, word=words, after=words)
def test_a_text_has_a_gram_in_each_range_of_a_word_in_it(before: str, word: str, after: str) -> None:
    for text in (word, before + word, word + after, before + word + after):
        assert all(any(start <= gram < stop for gram in grams(text)) for start, stop in ranges(word))


@given(text=words, word=st.text("abß", min_size=1, max_size=3))
def test_of_a_short_word_grams_tell_exactly(text: str, word: str) -> None:
    assert exact(word)
    found = all(any(start <= gram < stop for gram in grams(text)) for start, stop in ranges(word))
    assert found == (word in text)


def table_of(texts: list[str]) -> Table:
    """Of a block in which each entry has one of these."""
    found = {text: [place for place, each in enumerate(texts) if each == text] for text in texts}
    keys, ends, sets = (memoryview(part) for part in image.table(making.cut(found), SIZE, THRIFTY))
    return Table(keys, ends, sets, SIZE)


@given(texts=st.lists(words, min_size=1, max_size=SIZE), word=st.text("abß", min_size=1, max_size=3))
def test_a_short_word_is_found_where_it_stands(texts: list[str], word: str) -> None:
    (range_,) = ranges(word)
    assert places(table_of(texts).between(*range_)) == [place for place, text in enumerate(texts) if word in text]


@pytest.mark.parametrize("word", ["a", "ab"])
def test_a_word_of_one_character_or_two_is_found_by_one_set_where_many_texts_go_on_from_it(word: str) -> None:
    many = table_of([word + last for last in "abcdefgh"])
    few = table_of([word + last for last in "abcdef"])
    assert {many.count([stop - 1]) for _, stop in ranges(word)} == {8}
    assert {few.count([stop - 1]) for _, stop in ranges(word)} == {0}
