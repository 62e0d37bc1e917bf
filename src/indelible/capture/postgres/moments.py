"""Moments, as triggers write them down: their bytes, as digits, which no setting of a session changes.

To hold `TimeZone` and `DateStyle` still would cost a trigger as much as writing the row. The server's types are told
apart by their length; what is of none of them, since the column is of another type by now, is a text, behind "=" where
it could be taken for one of them.
"""

import re
from base64 import b64decode
from datetime import date, timedelta

# 4 bytes in hexadecimal, 8 in base64, 8 in hexadecimal: as `indelible.moment` has it, for what is none of them.
DATE, TIMESTAMP, TIMESTAMPTZ = (re.compile(each) for each in ("[0-9a-f]{8}", "[0-9A-Za-z+/]{11}=", "[0-9a-f]{16}"))
EPOCH = date(2000, 1, 1)  # the server's
DAY = 86_400_000_000  # microseconds
CYCLE_DAYS, CYCLE_YEARS = 146_097, 400  # after which the calendar is the same again


def read(cell: str) -> str:
    """As the server writes it in ISO style, in UTC: 2026-11-20 09:14:03.5+00, 0044-03-15 BC, infinity."""
    if TIMESTAMPTZ.fullmatch(cell):
        return _timestamp(bytes.fromhex(cell), "+00")
    if TIMESTAMP.fullmatch(cell):
        return _timestamp(b64decode(cell), "")
    if DATE.fullmatch(cell):
        return _date(int.from_bytes(bytes.fromhex(cell), signed=True))
    return cell.removeprefix("=")


def _date(days: int) -> str:
    if days in (2**31 - 1, -(2**31)):
        return "infinity" if days > 0 else "-infinity"
    return "".join(_day(days))


def _timestamp(data: bytes, zone: str) -> str:
    micros = int.from_bytes(data, signed=True)
    if micros in (2**63 - 1, -(2**63)):
        return "infinity" if micros > 0 else "-infinity"
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, 1_000_000)
    day, era = _day(days)
    told = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{day} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{told}{zone}{era}"


def _day(days: int) -> tuple[str, str]:
    """And the era, of those before year 1. Python's calendar ends in 9999; the server's has 4714 BC to 294276."""
    cycles, within = divmod(days, CYCLE_DAYS)
    found = EPOCH + timedelta(days=within)
    year = found.year + cycles * CYCLE_YEARS
    return f"{year if year > 0 else 1 - year:04}-{found.month:02}-{found.day:02}", "" if year > 0 else " BC"
