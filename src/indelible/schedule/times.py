"""When a job is due, as people write it. Everything is UTC.

every 5s   every 10m   every 1h   daily 06:00   weekly mon 06:00   monthly 1 06:00
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from indelible.errors import UsageError
from indelible.event import EPOCH

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNIT = {"s": 1, "m": 60, "h": 3600}
_FORM = re.compile(
    r"every (?P<count>[1-9]\d{0,4})(?P<unit>[smh])"
    r"|(?:daily|weekly (?P<weekday>mon|tue|wed|thu|fri|sat|sun)|monthly (?P<day>[1-9]|1\d|2[0-8]))"
    r" (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)"
)


@dataclass(frozen=True)
class Times:
    """`last(now)` is the newest moment at which it is due that is not later than now; `next(now)` the one after it."""

    text: str
    last: Callable[[datetime], datetime]
    next: Callable[[datetime], datetime]


def parse_times(text: str) -> Times:
    """Raises UsageError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text[:40]!r} is no schedule. Write every 5m, daily 06:00, weekly mon 06:00 or monthly 1 06:00 "
            "(up to the 28th)."
        )
    if found["count"]:
        return _every(text, timedelta(seconds=int(found["count"]) * _UNIT[found["unit"]]))
    at = time(int(found["hour"]), int(found["minute"]), tzinfo=UTC)
    if found["weekday"]:
        weekday = WEEKDAYS.index(found["weekday"])
        return _on(text, at, lambda day: day.weekday() == weekday)
    if found["day"]:
        number = int(found["day"])
        return _on(text, at, lambda day: day.day == number)
    return _on(text, at, lambda _: True)


def _every(text: str, step: timedelta) -> Times:
    def last(now: datetime) -> datetime:
        return EPOCH + (now - EPOCH) // step * step

    return Times(text, last, lambda now: last(now) + step)


def _on(text: str, at: time, fits: Callable[[date], bool]) -> Times:
    def look(now: datetime, step: int) -> datetime:
        day = now.astimezone(UTC).date()
        while True:  # a month has a day that fits
            moment = datetime.combine(day, at)
            if fits(day) and (moment <= now if step < 0 else moment > now):
                return moment
            day += timedelta(days=step)

    return Times(text, lambda now: look(now, -1), lambda now: look(now, 1))
