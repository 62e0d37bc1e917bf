"""What is wanted, as conditions on `entry e`. All values are bound."""

from typing import Any

from indelible.store.promise import Clause, Dimension, Wanted

COLUMNS: dict[Dimension, str] = {
    "action": "action_id", "operation": "operation_id", "source": "source_id", "entity_type": "entity_type_id",
    "entity": "entity_id", "actor": "actor_id", "organization": "organization_id",
}  # fmt: skip


class Conditions:
    """Joined by AND."""

    def __init__(self, log: int, wanted: Wanted, entries: range) -> None:
        self._conditions = ["e.log_id = %s AND e.seq >= %s AND e.seq < %s"]
        self.values: list[Any] = [log, entries.start, entries.stop]
        if wanted.since is not None:
            self._add("e.at >= %s", wanted.since)
        if wanted.until is not None:
            self._add("e.at < %s", wanted.until)
        for clause in wanted.clauses:
            self._clause(clause)

    @property
    def sql(self) -> str:
        return " AND ".join(self._conditions)

    def _clause(self, clause: Clause) -> None:
        """`coalesce`: what has no organization is not of this one."""
        places = [place for place in clause.places if place.ids]
        found = [f"e.{COLUMNS[place.dimension]} = ANY (%s::integer[])" for place in places]
        either = f"({' OR '.join(found) or 'false'})"
        self._add(f"NOT coalesce({either}, false)" if clause.negated else either, *(place.ids for place in places))

    def _add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self.values.extend(values)
