"""A pattern fits what the shell would say it fits, and no text of stars makes it slow."""

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.store.folding import fits

letters = st.text("ab*?[", max_size=8)


@given(letters, st.text("ab?[", max_size=8))
def test_it_fits_as_in_the_shell(pattern: str, text: str) -> None:
    only_stars = "".join(f"[{c}]" if c in "[?" else c for c in pattern)
    assert fits(pattern, text) == fnmatch.fnmatchcase(text, only_stars)


@pytest.mark.parametrize(("pattern", "text"), [("*", ""), ("a*a", "aa"), ("", ""), ("**", "x"), ("a*b*c", "abc")])
def test_a_star_may_stand_for_nothing(pattern: str, text: str) -> None:
    assert fits(pattern, text)


@pytest.mark.parametrize(("pattern", "text"), [("a*a", "a"), ("ab*ba", "aba"), ("", "a"), ("a", "")])
def test_no_letter_is_used_twice(pattern: str, text: str) -> None:
    assert not fits(pattern, text)


def test_many_stars_take_no_longer_than_one() -> None:
    start = time.perf_counter()
    assert not fits("a*" * 400 + "b", "a" * 100_000)
    assert time.perf_counter() - start < 5, "tried in every way, it would take longer than anybody lives"
