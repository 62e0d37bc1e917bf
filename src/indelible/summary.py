"""What changed, in one line for a person: `plan: free → pro, seats: 3 → 5`."""

from typing import Any

import msgspec

from indelible.event import BROUGHT, Entry
from indelible.values import REDACTED

MAX_VALUE = 40  # characters of one value
MAX_CHANGES = 3
ABOUT_THE_ROW = ("table", "row", "was", *BROUGHT)  # metadata for whoever replays the log, not for a reader


def summarize(entry: Entry) -> str:
    """For updates the changed columns with old and new; for others what was set or lost, if it says something."""
    shown = [text for column, change in entry.changes.items() if (text := _change(entry, column, change))]
    more = len(shown) - MAX_CHANGES
    told = {key: value for key, value in entry.metadata.items() if key not in ABOUT_THE_ROW}
    if not shown and told:
        return ", ".join(f"{key}: {brief(value)}" for key, value in told.items())
    if not shown and entry.operation not in ("create", "update", "delete") and entry.context.ip:
        return f"from {entry.context.ip}"
    return ", ".join(shown[:MAX_CHANGES]) + (f" and {more} more" if more > 0 else "")


def _change(entry: Entry, column: str, change: dict[str, Any]) -> str:
    label = column.removesuffix("_id") if change.keys() & {"old_name", "new_name"} else column
    if "old" in change and "new" in change:
        if REDACTED in (change["old"], change["new"]):
            return f"{label}: changed"
        return f"{label}: {side(change, 'old')} → {side(change, 'new')}"
    which = "old" if "old" in change else "new"
    value = change.get(which)
    said = [None, "", REDACTED, entry.entity.id, entry.entity.name, entry.context.ip, entry.context.user_agent]
    if value in said or (entry.organization and value == entry.organization.id):
        return ""  # it says nothing, or the entry says it elsewhere
    if column in ("id", entry.entity.type.lower() + "_id") or column.endswith("_at"):
        return ""
    return f"{label}: {side(change, which)}"


def side(change: dict[str, Any], which: str) -> str:
    """One side of a change: a name where there is one, the value otherwise."""
    return brief(change.get(f"{which}_name") or change.get(which))


def brief(value: Any) -> str:
    """One value in a few characters."""
    match value:
        case None:
            return "(empty)"
        case {"sha256": str(), "size": int(size), "preview": str(preview)}:
            return f"{_clip(preview)} ({size:,} bytes)"
        case {"integer": str(digits)}:
            return digits
        case str():
            return _clip(value) if value else "(blank)"
    return _clip(msgspec.json.encode(value).decode())


def _clip(text: str) -> str:
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
