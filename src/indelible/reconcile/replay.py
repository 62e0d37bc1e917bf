"""From an entry to the row that it changes."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from indelible.capture.definition import Definition
from indelible.capture.identity import as_text, place
from indelible.capture.notes import CHANGED, MENDED, STARTED, STOPPED
from indelible.event import Entry, Event
from indelible.reconcile.state import State

Attached = Callable[[str], Any]  # gives a value that was set aside, by its hash; None where it was taken out


class Replay:
    """Applies entries to a `State`, which has the rows of each table that was watched at that point of the log."""

    def __init__(self, state: State, now: Iterable[Definition], ever: Iterable[Definition], attached: Attached) -> None:
        """`now`: how each table is watched; `ever`: every way in which one was, for what its rows were called then."""
        self._state = state
        self._attached = attached
        self._ever = [each for each in ever if not each.map.exclude]
        self._then = {each.table: each for each in (*self._ever, *now)}  # as far as the log has been read
        self._tables = {each.map.entity: each.table for each in self._ever if _alone(each)}
        self._renamed: list[str] = []  # tables that have this name from the next row on
        self._before: dict[str, Definition] | None = None  # as tables were called before the first of those

    def apply(self, entry: Entry | Event) -> None:
        changes, metadata = self._whole(entry)
        if "api_key" in metadata or "imported" in metadata:  # a program said so, or a file; no row did
            return
        if entry.action in (STARTED, CHANGED, MENDED):
            self._watched(entry.entity.id, changes)
        elif entry.action == STOPPED:
            self._state.forget(entry.entity.id)
        else:
            self.settle()
        table = metadata.get("table") or self._tables.get(entry.entity.type, "")
        definition = self._then.get(table)
        if definition is None or not changes:
            return
        old = {column: change["old"] for column, change in changes.items() if "old" in change}
        new = {column: change["new"] for column, change in changes.items() if "new" in change}
        after = metadata.get("row") or self._key(definition, entry.entity.id)
        before = metadata.get("was") or self._place(definition, entry, after | old)
        baseline = entry.operation == "baseline"  # of a row that may have changed before it was its turn
        twins = baseline and not definition.row_key  # rows that are alike are each counted
        row = self._state.take(definition.table, before, counted=not twins) or {} if old or baseline else {}
        if new:
            there = self._place(definition, entry, after | row | new)
            self._state.put(definition.table, there, row | new, counted=baseline)

    def settle(self) -> None:
        """Renames that are noted together are of one moment: a name may have gone from one table to the next."""
        for table in self._renamed:
            self._state.rename(_between(table), table)
        self._renamed.clear()
        self._before = None

    def _watched(self, table: str, changes: dict[str, dict[str, Any]]) -> None:
        """From here on its entries are called, and its rows told apart, otherwise."""
        was = changes["name"]["old"] if "name" in changes else table
        if was != table and self._before is None:
            self._before = dict(self._then)
        then = (self._before or self._then).get(was)
        said = {"entity": then.map.entity, "key": ", ".join(then.key)} if then else {}
        said |= {name: change["new"] for name, change in changes.items() if "new" in change}
        for each in self._ever:  # the newest of those that are so
            if (each.table, each.map.entity, ", ".join(each.key)) == (table, said.get("entity"), said.get("key")):
                self._then[table] = each
                if _alone(each):
                    self._tables[each.map.entity] = table
        named = table
        if was != table:
            named = _between(table)
            self._state.rename(was, named)
            self._renamed.append(table)
        now = self._then.get(table)
        if then is not None and now is not None and then.row_key != now.row_key:
            self._state.move(named, lambda row: place(now, row))

    def _place(self, definition: Definition, entry: Entry | Event, row: dict[str, Any]) -> str:
        return place(definition, row) if definition.row_key else entry.entity.id

    def _key(self, definition: Definition, entity_id: str) -> dict[str, Any]:
        """Texts, as far as the entity's id tells them: see `capture.identity`."""
        parts = entity_id.split("/") if len(definition.row_key) > 1 else [entity_id]
        return dict(zip(definition.row_key, parts, strict=False))

    def _whole(self, entry: Entry | Event) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """With the large values that stand beside the log."""
        kept = entry.metadata.get("set_aside")
        if kept is not None:
            whole = self._value(kept)
            return (whole["changes"], whole["metadata"]) if whole != kept else ({}, {})
        changes = {
            column: {side: self._value(value) for side, value in change.items()}
            for column, change in entry.changes.items()
        }
        return changes, entry.metadata

    def _value(self, spelled: Any) -> Any:
        if not isinstance(spelled, dict) or "sha256" not in spelled:
            return spelled
        value = self._attached(spelled["sha256"])
        return spelled if value is None else value


def _between(table: str) -> str:
    """What a table is called while others may have its name yet."""
    return f"\0{table}"


def _alone(definition: Definition) -> bool:
    """Its entries do not name the table: the entity does."""
    return definition.about_itself and not definition.alike


def texts(row: dict[str, Any]) -> dict[str, str]:
    """A row's values as a person reads them."""
    return {column: as_text(value) for column, value in row.items()}


def normal(row: dict[str, Any]) -> dict[str, Any]:
    """As it would be after a trip through the log."""
    again: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(row))
    return again
