"""What changed, in one line for a person: `plan: free → pro, seats: 3 → 5`."""

from typing import Any

import msgspec

from indelible.event import Entry

MAX_VALUE = 40  # characters of one value
MAX_CHANGES = 3


def summarize(entry: Entry) -> str:
    """For updates the changed columns with old and new; for others what was set or lost, ids left out."""
    shown = [text for column, change in entry.changes.items() if (text := _change(entry, column, change))]
    more = len(shown) - MAX_CHANGES
    return ", ".join(shown[:MAX_CHANGES]) + (f" and {more} more" if more > 0 else "")


def _change(entry: Entry, column: str, change: dict[str, Any]) -> str:
    if "old" in change and "new" in change:
        return f"{column}: {side(change, 'old')} → {side(change, 'new')}"
    (which,) = change.keys() & {"old", "new"} or ("new",)
    value = change.get(which)
    if value is None or value in (entry.entity.id, entry.entity.name):
        return ""  # it stands in the entry's other columns already
    return f"{column}: {side(change, which)}"


def side(change: dict[str, Any], which: str) -> str:
    """One side of a change: a name where there is one, the value otherwise."""
    return brief(change.get(f"{which}_name") or change.get(which))


def brief(value: Any) -> str:
    """One value in a few characters."""
    match value:
        case None:
            return "(empty)"
        case {"redacted": True}:
            return "•••"
        case {"sha256": str(), "size": int(size), "preview": str(preview)}:
            return f"{_clip(preview)} ({size:,} bytes)"
        case str():
            return _clip(value) if value else "(blank)"
    return _clip(msgspec.json.encode(value).decode())


def _clip(text: str) -> str:
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
