"""A difference shows what is different, and loses nothing of either side."""

from hypothesis import given
from hypothesis import strategies as st

from indelible.values import REDACTED
from indelible.web.difference import flat, words

texts = st.text("ab .,é\n", max_size=40)
scalars = st.none() | st.booleans() | st.integers(0, 3) | texts
nested = st.recursive(
    scalars,
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(old=texts, new=texts)
def test_the_pieces_are_the_texts(old: str, new: str) -> None:
    before, after = words(old, new)
    assert ("".join(text for text, _ in before), "".join(text for text, _ in after)) == (old, new)
    same = ["".join(text for text, changed in side if not changed) for side in (before, after)]
    assert same[0] == same[1] or len(before) == len(after) == 1


def test_the_words_that_changed_are_told() -> None:
    before, after = words("Pro seat 9, yearly", "Pro seat 12, yearly")
    assert before == [("Pro seat ", False), ("9", True), (", yearly", False)]
    assert after == [("Pro seat ", False), ("12", True), (", yearly", False)]


def test_what_a_joiner_joins_is_one_word() -> None:
    """A mark between its halves would break it."""
    before, _ = words("a 👩\u200d👩\u200d👧 می\u200cخواهم b", "a 👩\u200d👩\u200d👦 می\u200cروم b")
    assert [text for text, changed in before if changed] == ["👩\u200d👩\u200d👧", "می\u200cخواهم"]


def test_texts_with_nothing_in_common_and_long_ones_are_shown_whole() -> None:
    assert words("active", "suspended") == ([("active", False)], [("suspended", False)])
    assert words("a " * 1500, "a " * 1499) == ([("a " * 1500, False)], [("a " * 1499, False)])


@given(old=nested, new=nested)
def test_only_what_differs_is_left_of_nested_values(old: object, new: object) -> None:
    found = flat("value", {"old": old, "new": new})
    assert found
    for path, change in found:
        assert path.split(".")[0] == "value"
        assert len(found) == 1 or change.get("old", ...) != change.get("new", ...)


def test_paths_lead_to_what_changed() -> None:
    change = {
        "old": {"theme": {"name": "light", "size": 3}, "tags": ["a", "b"]},
        "new": '{"theme": {"name": "dark", "size": 3}, "tags": ["a"]}',
    }
    assert flat("settings", change) == [
        ("settings.theme.name", {"old": "light", "new": "dark"}),
        ("settings.tags.1", {"old": "b"}),
    ]


def test_what_stands_for_a_value_is_no_nested_one() -> None:
    for special in (REDACTED, {"bytes": "AA=="}, {"sha256": "00", "size": 3, "preview": "x"}):
        change = {"old": special, "new": {"a": 1}}
        assert flat("x", change) == [("x", change)]
