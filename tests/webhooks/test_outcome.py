"""What becomes of a delivery after each attempt, by the specification's schedule and its handling of answers."""

import pytest

from indelible.retry import retry_after
from indelible.webhooks.outcome import DAY, HOUR, SCHEDULE, Answer, failure_of, judge

FAILED = Answer(500, "answered 500")


def test_the_schedule_is_the_specifications() -> None:
    starts = [0]
    for delay in SCHEDULE:
        starts.append(starts[-1] + delay)
    shown = [f"{t // 3600:02}:{t // 60 % 60:02}:{t % 60:02}" for t in starts]
    assert shown == [
        "00:00:00", "00:00:05", "00:05:05", "00:35:05", "02:35:05", "07:35:05", "17:35:05", "31:35:05", "51:35:05",
        "75:35:05",
    ]  # fmt: skip


@pytest.mark.parametrize("attempts", range(1, 10))
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_failure_waits_for_the_next_attempt_about_that_long(attempts: int, chance: float) -> None:
    outcome = judge(FAILED, attempts, lambda: chance)
    assert outcome.state == "waiting"
    assert outcome.delay == pytest.approx(SCHEDULE[attempts - 1] * (0.9 + 0.2 * chance))


def test_after_the_tenth_attempt_a_delivery_is_set_aside() -> None:
    outcome = judge(FAILED, 10)
    assert (outcome.state, outcome.delay) == ("set aside", None)


@pytest.mark.parametrize(("status", "taken"), [(200, True), (204, True), (299, True), (199, False), (300, False)])
def test_only_2xx_is_success(status: int, taken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert judge(Answer(status, failure_of(status)), 1).state == ("delivered" if taken else "waiting")


def test_a_redirect_is_a_failure_that_says_what_to_do() -> None:
    assert "change the endpoint's address" in str(failure_of(302))


def test_gone_is_said_so() -> None:
    assert judge(Answer(410, "answered 410"), 1).gone
    assert not judge(Answer(404, "answered 404"), 1).gone


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_receiver_that_asks_for_time_gets_it_and_the_whole_lane_rests(status: int) -> None:
    outcome = judge(Answer(status, "", retry_after=120.0), 1)
    assert (outcome.delay, outcome.rest) == (120.0, 120.0)
    assert judge(Answer(status, "", retry_after=0.1), 1, lambda: 0.5).delay == 5.0
    assert judge(Answer(status, "", retry_after=10**9), 1).delay == DAY


def test_what_is_asked_for_with_another_status_holds_for_that_delivery_alone() -> None:
    outcome = judge(Answer(500, "", retry_after=120.0), 1)
    assert (outcome.delay, outcome.rest) == (120.0, 0.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("Fri, 20 Nov 2026 10:00:00 GMT", HOUR), ("-5", None),
        ("Fri, 20 Nov 2026 08:00:00 GMT", 0.0), ("soon", None), ("", None), (None, None), ("٣", None), ("1.5", None),
        ("9" * 5000, 999999999.0), ("Fri, 99 Nov 99999999 08:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 1795165200.0) == seconds  # 2026-11-20T09:00:00Z
