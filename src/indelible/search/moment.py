"""Dates and times as people type them. Everything is UTC unless it says otherwise."""

import re
from datetime import UTC, datetime, timedelta

WRITTEN = "2026-11-01, 2026-11-01T09:30Z, 7d, 24h, now, today or yesterday"  # wherever it is told what may be
_AGO = re.compile(r"(\d{1,5})([mhdw])")
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime | None:
    """Of what is WRITTEN as these are, RFC 3339 among them; None if it is none of them.

    A day given as the end of a range is included: the moment is the start of the next one.
    """
    text = text.strip()
    day = timedelta(days=1)
    try:
        if ago := _AGO.fullmatch(text.lower()):
            return now - int(ago[1]) * _UNIT[ago[2]]
        if text.lower() == "now":
            return now
        if text.lower() in ("today", "yesterday"):
            midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            return midnight - (day if text.lower() == "yesterday" else 0 * day) + end * day
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment + (end and _DAY.fullmatch(text) is not None) * day
    except (ValueError, OverflowError):
        return None
