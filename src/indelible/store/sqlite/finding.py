"""What is wanted, as conditions on `entry e`. All values are bound."""

from collections.abc import Sequence
from typing import Any

import msgspec

from indelible.store.promise import Clause, Dimension, Wanted

COLUMNS: dict[Dimension, str] = {
    "action": "action_id", "operation": "operation_id", "source": "source_id", "entity_type": "entity_type_id",
    "entity": "entity_id", "actor": "actor_id", "organization": "organization_id",
}  # fmt: skip


class Conditions:
    """Joined by AND."""

    def __init__(self, wanted: Wanted, entries: range) -> None:
        self._conditions = ["e.seq >= ?", "e.seq < ?"]
        self.values: list[Any] = [entries.start, entries.stop]
        if wanted.since is not None:
            self._add("e.at >= ?", wanted.since)
        if wanted.until is not None:
            self._add("e.at < ?", wanted.until)
        for clause in wanted.clauses:
            self._clause(clause)

    @property
    def sql(self) -> str:
        return " AND ".join(self._conditions)

    def _clause(self, clause: Clause) -> None:
        """`ifnull`: what has no organization is not of this one."""
        places = [place for place in clause.places if place.ids]
        found = [f"e.{COLUMNS[place.dimension]} IN (SELECT value FROM json_each(?))" for place in places]
        either = f"({' OR '.join(found) or '0'})"
        self._add(f"NOT ifnull({either}, 0)" if clause.negated else either, *(_json(place.ids) for place in places))

    def _add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self.values.extend(values)


def _json(numbers: Sequence[int]) -> str:
    return msgspec.json.encode(list(numbers)).decode()
