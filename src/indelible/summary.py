"""What changed, in one line for a person: `plan: free → pro, seats: 3 → 5`."""

from typing import Any

import msgspec

from indelible.event import BROUGHT, Entry
from indelible.legible import legible
from indelible.values import REDACTED

MAX_VALUE = 40  # characters of one value
MAX_CHANGES = 3
ORGANIZATIONS = ("organization_id", "org_id", "tenant_id", "account_id")  # columns that tell whose it is
ABOUT_THE_ROW = ("table", "row", "was", *BROUGHT)  # metadata for whoever replays the log, not for a reader


def who(entry: Entry) -> str:
    """Who acted, in a word."""
    return entry.actor.email or entry.actor.name or entry.actor.id or entry.actor.type


def summarize(entry: Entry) -> str:
    """For updates the changed columns with old and new; for others what was set or lost, if it says something."""
    shown = [text for column, change in entry.changes.items() if (text := _change(entry, column, change))]
    told = {key: value for key, value in entry.metadata.items() if key not in ABOUT_THE_ROW}
    if not shown and told:
        return ", ".join(f"{legible(key)}: {brief(value)}" for key, value in told.items())
    if not shown and entry.operation not in ("create", "update", "delete") and entry.context.ip:
        return f"from {legible(entry.context.ip)}"
    left = sum(_says(entry, *change) for change in entry.changes.items()) - len(shown[:MAX_CHANGES])
    return ", ".join(shown[:MAX_CHANGES]) + (f" and {left} more" if shown and left > 0 else "")


def _change(entry: Entry, column: str, change: dict[str, Any]) -> str:
    label = legible(column.removesuffix("_id") if change.keys() & {"old_name", "new_name"} else column)
    if "old" in change and "new" in change:
        if REDACTED in (change["old"], change["new"]):
            return f"{label}: changed"
        return f"{label}: {side(change, 'old')} → {side(change, 'new')}"
    which = "old" if "old" in change else "new"
    if not _says(entry, column, change) or change.get(which) == REDACTED:
        return ""
    if column in _keys(entry) or column.endswith("_at"):
        return ""
    return f"{label}: {side(change, which)}"


def _says(entry: Entry, column: str, change: dict[str, Any]) -> bool:
    """Whether there is something in it that the entry does not say elsewhere, if only that it is masked."""
    if "old" in change and "new" in change:
        return True
    which = "old" if "old" in change else "new"
    value, name, organization = change.get(which), change.get(f"{which}_name"), entry.organization
    if value in [None, "", entry.entity.name, entry.context.ip, entry.context.user_agent]:
        return False
    if str(value) == entry.entity.id and (column in _keys(entry) or (name and name == entry.entity.name)):
        return False
    if organization and str(value) == organization.id:  # another thing may have that number, too
        return column not in ORGANIZATIONS and not (name and name == organization.name)
    return True


def _keys(entry: Entry) -> tuple[str, str]:
    """Columns that tell which thing it is."""
    return "id", f"{entry.entity.type.lower()}_id"


def side(change: dict[str, Any], which: str) -> str:
    """One side of a change: a name where there is one, the value otherwise."""
    return brief(change.get(f"{which}_name") or change.get(which))


def brief(value: Any) -> str:
    """One value in a few characters, which leave what stands beside them where it is."""
    match value:
        case None:
            return "(empty)"
        case {"sha256": str(), "size": int(size), "preview": str(preview)}:
            return f"{legible(_clip(preview))} ({size:,} bytes)"
        case {"integer": str(digits)}:
            return legible(digits)
        case str():
            return legible(_clip(value)) if value else "(blank)"
    return legible(_clip(msgspec.json.encode(value).decode()))


def _clip(text: str) -> str:
    """At the end of a word, where one ends in the second half."""
    if len(text) <= MAX_VALUE:
        return text
    cut = text[: MAX_VALUE - 1]
    if text[MAX_VALUE - 1] != " " and " " in cut[MAX_VALUE // 2 :]:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;") + "…"
