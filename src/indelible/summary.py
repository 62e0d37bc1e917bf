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
    told = {key: value for key, value in entry.metadata.items() if key not in ABOUT_THE_ROW}
    if not shown and told:
        return ", ".join(f"{key}: {brief(value)}" for key, value in told.items())
    if not shown and entry.operation not in ("create", "update", "delete") and entry.context.ip:
        return f"from {entry.context.ip}"
    left = sum(_says(entry, change) for change in entry.changes.values()) - len(shown[:MAX_CHANGES])
    return ", ".join(shown[:MAX_CHANGES]) + (f" and {left} more" if shown and left > 0 else "")


def _change(entry: Entry, column: str, change: dict[str, Any]) -> str:
    label = column.removesuffix("_id") if change.keys() & {"old_name", "new_name"} else column
    if "old" in change and "new" in change:
        if REDACTED in (change["old"], change["new"]):
            return f"{label}: changed"
        return f"{label}: {side(change, 'old')} → {side(change, 'new')}"
    which = "old" if "old" in change else "new"
    if not _says(entry, change) or change.get(which) == REDACTED:
        return ""
    if column in ("id", entry.entity.type.lower() + "_id") or column.endswith("_at"):
        return ""
    return f"{label}: {side(change, which)}"


def _says(entry: Entry, change: dict[str, Any]) -> bool:
    """Whether there is something in it that the entry does not say elsewhere, if only that it is masked."""
    if "old" in change and "new" in change:
        return True
    said = [None, "", entry.entity.name, entry.context.ip, entry.context.user_agent]
    value = change.get("old" if "old" in change else "new")
    ids = [entry.entity.id, entry.organization.id if entry.organization else None]
    return value not in said and str(value) not in ids


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
    """At the end of a word, where one ends in the second half."""
    if len(text) <= MAX_VALUE:
        return text
    cut = text[: MAX_VALUE - 1]
    if text[MAX_VALUE - 1] != " " and " " in cut[MAX_VALUE // 2 :]:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;") + "…"
