"""When a job is due: the newest moment that has passed, and the one after it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import UsageError
from indelible.schedule.times import WEEKDAYS, parse_times

texts = st.one_of(
    st.builds("every {}{}".format, st.integers(1, 99999), st.sampled_from("smh")),
    st.builds("daily {:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.builds("weekly {} {:02}:{:02}".format, st.sampled_from(WEEKDAYS), st.integers(0, 23), st.integers(0, 59)),
    st.builds("monthly {} {:02}:{:02}".format, st.integers(1, 28), st.integers(0, 23), st.integers(0, 59)),
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(texts, moments)
def test_last_and_next_are_neighbours_with_now_between_them(text: str, now: datetime) -> None:
    times = parse_times(text)
    last, following = times.last(now), times.next(now)
    assert last <= now < following
    assert times.last(following) == following
    assert times.last(following - timedelta(microseconds=1)) == last
    assert times.next(last) == following


@pytest.mark.parametrize(
    ("text", "last", "following"),
    [
        ("every 5m", "2026-11-20T09:10", "2026-11-20T09:15"), ("daily 09:14", "2026-11-20T09:14", "2026-11-21T09:14"),
        ("daily 09:15", "2026-11-19T09:15", "2026-11-20T09:15"),
        ("weekly fri 06:00", "2026-11-20T06:00", "2026-11-27T06:00"),
        ("weekly mon 06:00", "2026-11-16T06:00", "2026-11-23T06:00"),
        ("monthly 1 06:00", "2026-11-01T06:00", "2026-12-01T06:00"),
        ("monthly 28 06:00", "2026-10-28T06:00", "2026-11-28T06:00"),
    ],
)  # fmt: skip
def test_known_moments(text: str, last: str, following: str) -> None:
    now = datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)  # a Friday
    times = parse_times(text)
    assert times.last(now) == datetime.fromisoformat(f"{last}:00+00:00")
    assert times.next(now) == datetime.fromisoformat(f"{following}:00+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "", "hourly", "every 0s", "every 5d", "daily", "daily 24:00", "daily 6:00", "weekly 06:00", "monthly 29 06:00",
        "monthly 0 06:00", "every 5m ",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no schedule"):
        parse_times(text)
