"""What is made ahead is what would have been made: in its order, with its errors, and no further than it is wanted."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.background import ahead


@given(st.lists(st.integers()))
def test_what_is_made_ahead_comes_in_its_order(items: list[int]) -> None:
    assert list(ahead(iter(items))) == items


def test_what_fails_ahead_is_raised_where_it_would_be_used() -> None:
    def made() -> Iterator[int]:
        yield 1
        raise OSError("the disk")

    coming = ahead(made())
    assert next(coming) == 1
    with pytest.raises(OSError, match="the disk"):
        next(coming)


def test_who_stops_early_has_one_more_made_and_no_thread_left() -> None:
    made = list[int]()

    def counting() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    coming = ahead(counting())
    assert [next(coming), next(coming)] == [0, 1]
    coming.close()  # type: ignore[attr-defined]  # a generator
    assert made == [0, 1, 2]
    assert not [each for each in threading.enumerate() if each.name.startswith("indelible-ahead")]


def test_the_next_one_is_made_while_one_is_used() -> None:
    began = [threading.Event() for _ in range(3)]

    def made() -> Iterator[int]:
        for number, event in enumerate(began):
            event.set()
            yield number

    for number in ahead(made()):
        if number < 2:
            assert began[number + 1].wait(5)
    assert all(event.is_set() for event in began)
