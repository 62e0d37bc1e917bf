"""What capture says of itself: a table is watched, otherwise, again, or no longer; its schema changed."""

from typing import Any

import msgspec

from indelible.actions import Rule, TableMap
from indelible.capture.context import acting, acting_as
from indelible.capture.definition import Definition
from indelible.event import Actor

STARTED, CHANGED, STOPPED = "AUDIT_CAPTURE_STARTED", "AUDIT_CAPTURE_CHANGED", "AUDIT_CAPTURE_STOPPED"
MENDED = "AUDIT_CAPTURE_MENDED"  # it had drifted; what was written meanwhile may be on no record
ALTERED = "AUDIT_SCHEMA_CHANGED"  # said by the database itself, see postgres/ddl.sql
OPERATIONS = {STARTED: "watch", CHANGED: "watch", MENDED: "watch", STOPPED: "unwatch", ALTERED: "alter"}


class Note(msgspec.Struct, frozen=True):
    """As it lies in the outbox, in JSON."""

    action: str
    table: str
    changes: dict[str, dict[str, Any]] = {}

    @property
    def operation(self) -> str:
        return OPERATIONS[self.action]


def note(table: str, before: Definition | None, after: Definition | None, drifted: str | None = None) -> Note | None:
    """What to say of a table that was watched one way and now is another; None if nothing that people see changed.

    `drifted`: what was found not to be as it had been left. It is mended now, and would be seen nowhere.
    """
    old, new = _told(before), _told(after)
    if old == new and drifted is None:
        return None
    action = STARTED if not old else STOPPED if not new else MENDED if old == new else CHANGED
    changes = {} if drifted is None else {"capture": {"old": drifted, "new": "watched"}}
    if before and old and new and before.table != table:
        changes["name"] = {"old": before.table, "new": table}
    for key in old | new:
        sides = {side: told[key] for side, told in (("old", old), ("new", new)) if key in told}
        if old.get(key) != new.get(key):
            changes[key] = sides
    return Note(action, table, changes)


def definition_of(note: Note) -> Definition:
    """By which its record is read: the entity is the table."""
    rule = Rule(action=note.action, on="update", operation=note.operation)
    return Definition("indelible_watch", [], ["table"], ["table"], TableMap(entity="Table", rule=[rule]))


def by_this_program(job: str) -> str:
    """Who acts, as an outbox carries it, in what the product does by itself."""
    with acting_as(Actor.system(job), source="indelible"):
        return acting() or ""


def by_whoever_acts() -> str:
    """Whoever is acting, else this program."""
    return acting() or by_this_program("indelible")


def _told(definition: Definition | None) -> dict[str, Any]:
    """What a person wants to know of it."""
    if definition is None or definition.map.exclude:
        return {}
    masked = {column.name: column.mask for column in definition.columns if column.mask}
    guarded = ", ".join(f"{each.name} ({', '.join(each.guard)})" for each in definition.columns if each.guard)
    given = {  # where there are some: who may see it, and what is looked for in its texts
        "organization": definition.map.organization,
        "organization_of": definition.map.organization_of,
        "guarded": guarded,
    }
    return {key: value for key, value in given.items() if value} | {
        "entity": definition.map.entity,
        "columns": ", ".join(column.name for column in definition.columns if column.shown),
        "key": ", ".join(definition.key),
        "masked": ", ".join(f"{name} ({mask})" for name, mask in masked.items()),
        "strict": definition.strict,
    }
