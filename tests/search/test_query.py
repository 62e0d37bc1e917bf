"""A query is read or refused with a finger on the character; it never means everything by accident."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import QueryError, UsageError
from indelible.search.moment import WRITTEN, parse_moment
from indelible.search.query import ANY, KEYS, MAX_QUERY, MAX_TERMS, Query, Term, asked, parse, pieces, spell

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
PIECES = st.sampled_from(
    [*(f"{key}:" for key in KEYS), "-", '"', "*", " ", "dana", "7d", "/", ":", "License", "é", "\t", "2026-11-01"]
)


@given(st.text() | st.lists(PIECES, max_size=20).map("".join))
def test_any_text_is_a_query_or_an_error_that_points_into_it(text: str) -> None:
    read: Query | QueryError
    try:
        read = parse(text, NOW)
    except QueryError as error:
        read = error
    if isinstance(read, QueryError):
        assert 0 <= read.position <= len(read.query)
        assert str(read).replace("\n", "").isprintable()
    else:
        assert text.strip() == "" or read != Query()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \t ", ()),
        ("dana", (Term(ANY, "dana"),)),
        ("dana lee", (Term(ANY, "dana"), Term(ANY, "lee", position=5))),
        ('"dana lee"', (Term(ANY, "dana lee", quoted=True),)),
        ("action:LICENSE_*", (Term("action", "LICENSE_*"),)),
        ("ACTION:x", (Term("action", "x"),)),
        ('-user:"Dana Lee"', (Term("user", "Dana Lee", negated=True, quoted=True),)),
        ("entity:License/lic_9", (Term("entity", "License/lic_9"),)),
        ("--x", (Term(ANY, "-x", negated=True),)),
        ("12:30", (Term(ANY, "12:30"),)),
        ("org:a:b", (Term("org", "a:b"),)),
    ],
)
def test_what_is_typed_is_what_is_meant(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text, NOW).terms == terms


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("dana actoin:x", 5, "Did you mean action:?"),
        ("zzz:x", 0, "zzz: is no field of a search. There are action, entity"),
        ("https://acme.test", 0, "For the text itself use quotes"),
        ("user:", 0, "user: needs a value."),
        (
            "dana user:*",
            5,
            "A star alone finds everything: leave user: out, or write a part of what you look for beside it.",
        ),
        ("*", 0, "There is nothing to search for here."),
        ('""', 0, "There is nothing to search for here."),
        ("a - b", 2, "A minus stands right before what it excludes"),
        ("a -", 2, "A minus stands right before"),
        ('say "hello', 4, "This quote is not closed."),
        ('he"llo', 2, "A quote stands at the start of a phrase"),
        ('"a"b', 3, "A space is needed after a phrase."),
        ("a since:soon", 2, "'soon' is no date or time."),
        ("until:2026-13-01", 0, "is no date or time."),
        ("-since:7d", 0, "since: takes no minus"),
        ("dana OR kim", 5, "OR joins no terms here. Terms are joined by and; a minus leaves out, as -user:system;"),
        ("a AND b", 2, "AND joins no terms here."),
        ("user:dana NOT kim", 10, "NOT joins no terms here."),
        ("a -NOT", 3, "NOT joins no terms here."),
        ("a (b OR c)", 2, "Terms cannot be grouped."),
        ("-(a b)", 1, "Terms cannot be grouped."),
        ("a ( b", 2, "Terms cannot be grouped."),
        ("a b)", 3, "Terms cannot be grouped."),
        ("a\x00b", 1, "This character cannot be searched for."),
        (" ".join(["x"] * (MAX_TERMS + 1)), 2 * MAX_TERMS, f"up to {MAX_TERMS} terms"),
        ("x" * (MAX_QUERY + 1), 80, f"up to {MAX_QUERY} characters; this one has {MAX_QUERY + 1}"),
    ],
)
def test_an_error_points_at_the_character(text: str, position: int, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text, NOW)
    assert caught.value.position == position
    first, _, caret = str(caught.value).split("\n")
    assert said in first
    assert caret == "  " + " " * position + "^"


def test_an_error_far_into_a_query_points_at_its_character() -> None:
    with pytest.raises(QueryError) as caught:
        parse("x" * 400 + " zzz:y", NOW)
    _, shown, caret = str(caught.value).split("\n")
    assert shown[caret.index("^") :].startswith("zzz")


@pytest.mark.parametrize("text", ['"OR"', "or", "not", "action:OR", '"(a"', "(trial)", "f(x)", "new:(a", "ORDER"])
def test_what_is_quoted_or_joins_nothing_is_looked_for(text: str) -> None:
    (term,) = parse(text, NOW).terms
    assert term.value in text


def test_a_query_that_was_kept_is_read_as_it_was() -> None:
    assert [term.value for term in parse("a OR (b", NOW, kept=True).terms] == ["a", "OR", "(b"]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("actor", "user:"), ("Who", "user:"), ("type", "entity:"), ("tenant", "org:"), ("customer", "org:"),
        ("from", "since:"), ("after", "since:"), ("to", "until:"), ("before", "until:"),
        ("when", "since: or until:"), ("date", "since: or until:"), ("actoin", "action:"),
    ],
)  # fmt: skip
def test_a_field_that_others_call_otherwise_is_found_by_its_meaning(key: str, meant: str) -> None:
    with pytest.raises(QueryError, match=rf"^{key}: is no field of a search. Did you mean {meant}\?"):
        parse(f"{key}:ana", NOW)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "moment", "as_end"),
    [
        ("7d", NOW - 7 * DAY, NOW - 7 * DAY),
        ("24H", NOW - DAY, NOW - DAY),
        ("now", NOW, NOW),
        ("90m", NOW - timedelta(minutes=90), NOW - timedelta(minutes=90)),
        ("2w", NOW - 14 * DAY, NOW - 14 * DAY),
        ("today", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)),
        ("2026-11-01T09:30:00Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC), datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC),
         datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC), datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_moments_as_people_type_them(text: str, moment: datetime, as_end: datetime) -> None:
    assert (parse_moment(text, NOW), parse_moment(text, NOW, end=True)) == (moment, as_end)


def test_whatever_is_told_of_moments_is_one() -> None:
    for text in re.split(r", | or ", WRITTEN):
        assert parse_moment(text, NOW) is not None
    with pytest.raises(QueryError, match=WRITTEN):
        parse("since:soon", NOW)
    with pytest.raises(UsageError, match=WRITTEN):
        asked("", "soon", "", NOW)


@given(st.text() | st.sampled_from(["99999w", "0001-01-01T00:00:00+14:00", "9999-12-31", "9999-12-31T23:59:59-12:00"]))
def test_any_text_is_a_moment_in_utc_or_none(text: str) -> None:
    for end in (False, True):
        moment = parse_moment(text, NOW, end=end)
        assert moment is None or moment.utcoffset() == timedelta(0)


def test_two_ranges_narrow_each_other() -> None:
    query = parse("since:2026-11-01 since:2026-11-03 until:2026-11-09 until:2026-11-05", NOW)
    assert query.since == datetime(2026, 11, 3, tzinfo=UTC)
    assert query.until == datetime(2026, 11, 6, tzinfo=UTC)  # the day is included


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("since:2026-11-05 until:2026-11-01", "", ""),
        ("since:2026-11-05", "", "2026-11-01"),
        ("", "7d", "7d"),
        ("until:30d", "today", ""),
    ],
)
def test_a_range_that_ends_before_it_begins_is_refused(text: str, since: str, until: str) -> None:
    with pytest.raises(
        UsageError, match=r"The range begins at 2026-11\S+ and ends at 2026-1\S+: nothing is between. Exchange"
    ):
        asked(text, since, until, NOW)
    assert asked("since:2026-11-01 until:2026-11-01", "", "", NOW).until == datetime(2026, 11, 2, tzinfo=UTC)


def test_what_was_kept_is_read_though_its_since_has_moved_on() -> None:
    assert parse("since:7d until:2026-11-01", NOW).until == datetime(2026, 11, 2, tzinfo=UTC)


VALUES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), min_size=1, max_size=60).filter(
    lambda text: bool(text.strip("* ")) and not any(c.isspace() and c != " " for c in text) and text.isprintable()
)


@given(value=VALUES, key=st.sampled_from(KEYS[:-2]), negated=st.booleans())
def test_a_term_that_is_spelled_looks_for_exactly_this_text(value: str, key: str, negated: bool) -> None:  # noqa: FBT001
    (term,) = parse(spell(key, value, negated=negated), NOW).terms
    assert (term.key, term.value, term.negated) == (key, value, negated)
    assert term.quoted or "*" not in value


@given(values=st.lists(VALUES, max_size=5))
def test_a_query_is_its_pieces(values: list[str]) -> None:
    terms = [spell("new", value) for value in values]
    assert pieces("  ".join(terms)) == terms


@pytest.mark.parametrize(
    ("text", "value"),
    [('"a""b"', 'a"b'), ('""""', '"'), ('new:"say ""hi"""', 'say "hi"'), ('"it is ""so"""', 'it is "so"')],
)
def test_a_quote_in_a_phrase_is_written_twice(text: str, value: str) -> None:
    assert [term.value for term in parse(text, NOW).terms] == [value]
