"""What is made ahead is what would have been made: in its order, with its errors, and no further than it is wanted."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.background import ahead


@given(st.lists(st.integers()), st.integers(1, 4))
def test_what_is_made_ahead_comes_in_its_order(items: list[int], at_once: int) -> None:
    def make(item: int) -> int:
        time.sleep(item % 3 / 10_000)  # one that was begun with later is made sooner
        return -item

    assert list(ahead(make, items, at_once)) == [-item for item in items]


def test_what_fails_ahead_is_raised_where_it_would_be_used() -> None:
    def make(number: int) -> int:
        if number == 2:
            raise OSError("the disk")
        return number

    coming = ahead(make, range(1, 10))
    assert next(coming) == 1
    with pytest.raises(OSError, match="the disk"):
        next(coming)


def test_who_stops_early_has_two_more_made_and_no_thread_left() -> None:
    made = list[int]()
    coming = ahead(made.append, range(100))
    assert [next(coming), next(coming)] == [None, None]
    coming.close()  # type: ignore[attr-defined]  # a generator
    assert sorted(made) == [0, 1, 2, 3]
    assert not [each for each in threading.enumerate() if each.name.startswith("indelible-ahead")]


def test_the_next_two_are_made_while_one_is_used() -> None:
    began = [threading.Event() for _ in range(4)]
    both = threading.Barrier(2)

    def make(number: int) -> int:
        began[number].set()
        both.wait(5)  # with the other one: they are made at once
        return number

    for number in ahead(make, range(4)):
        if number < 2:
            assert began[number + 2].wait(5)
    assert all(event.is_set() for event in began)
