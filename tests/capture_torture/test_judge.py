"""The judge is fair: each word means what docs/capture.md says."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.capture_torture.engines import Described, identical
from tests.capture_torture.judge import Recorded, Rules, Verdict, judge
from tests.capture_torture.model import created, deleted, updated

TABLES = {"t": Described("t", {"id": "integer", "x": "text", "n": "integer"}, ("id",), {})}
RULES = Rules(lambda expected, _type, told: identical(expected, told), lambda key, _types, told: key == told)
HAPPENED = (created("t", id=1, x="a", n=1), updated("t", {"id": 1}, x=("a", "b")), deleted("t", id=1, x="b", n=1))
CREATE = Recorded("create", "t", (1,), {}, {"id": 1, "x": "a", "n": 1})
UPDATE = Recorded("update", "t", (1,), {"x": "a"}, {"x": "b"})
DELETE = Recorded("delete", "t", (1,), {"id": 1, "x": "b", "n": 1}, {})
WHOLE_ROW = {"id": 1, "x": "b", "n": 1}


@pytest.mark.parametrize(
    ("recorded", "verdict"),
    [
        ([CREATE, UPDATE, DELETE], Verdict.EXACTLY),
        ([DELETE, CREATE, UPDATE], Verdict.EXACTLY),  # the order is the engine's
        ([CREATE, replace(UPDATE, old=None, new=WHOLE_ROW), DELETE], Verdict.NO_OLD),
        ([CREATE, replace(UPDATE, old={}), DELETE], Verdict.NO_OLD),
        ([CREATE, UPDATE, replace(DELETE, old=None)], Verdict.NO_OLD),
        ([CREATE, UPDATE, replace(DELETE, old={"id": 1})], Verdict.NO_OLD),
        ([CREATE, replace(UPDATE, old={"x": "z"}), DELETE], Verdict.PARTLY),  # a wrong old value is none left out
        ([CREATE, replace(UPDATE, new={"x": "z"}), DELETE], Verdict.PARTLY),
        ([CREATE, replace(UPDATE, new=WHOLE_ROW), DELETE], Verdict.PARTLY),  # n did not change
        ([replace(CREATE, new={"id": 1, "x": "a"}), UPDATE, DELETE], Verdict.PARTLY),
        ([replace(CREATE, new={"id": 1, "x": "a", "n": True}), UPDATE, DELETE], Verdict.PARTLY),
        ([CREATE, DELETE], Verdict.PARTLY),
        ([], Verdict.NOTHING),
        ([CREATE, UPDATE, UPDATE, DELETE], Verdict.PHANTOM),
        ([CREATE, replace(UPDATE, key=(2,)), DELETE], Verdict.PHANTOM),
        ([replace(CREATE, table="u"), UPDATE, DELETE], Verdict.PHANTOM),
    ],
)
def test_what_was_recorded_has_one_word(recorded: Sequence[Recorded], verdict: Verdict) -> None:
    assert judge(HAPPENED, recorded, TABLES, RULES) is verdict


def test_where_nothing_happened_nothing_may_be_recorded() -> None:
    assert judge((), (), TABLES, RULES) is Verdict.EXACTLY
    assert judge((), [replace(UPDATE, old={}, new={})], TABLES, RULES) is Verdict.PHANTOM


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (1, "1"), (0.0, -0.0), ("a", "A"), (b"a", "a"), (None, "")], ids=repr
)
def test_values_that_python_calls_equal_are_told_apart(one: object, other: object) -> None:
    assert not identical(one, other)
    assert identical(one, one)
    assert identical(float("nan"), float("nan"))
