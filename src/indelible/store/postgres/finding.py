"""What is wanted, as conditions on `entry e`. All values are bound."""

from typing import Any

from indelible.store.promise import Among, Clause, Dimension, Wanted

SEGMENT_BITS = 12  # as the schema's indexes have it
FEW = 100  # numbers of one clause that an index is asked for; most of more would not be in its segment
COLUMNS: dict[Dimension, str] = {
    "action": "action_id", "operation": "operation_id", "source": "source_id", "entity_type": "entity_type_id",
    "entity": "entity_id", "actor": "actor_id", "organization": "organization_id",
}  # fmt: skip
NOT_INDEXED = ("operation", "source")


class Conditions:
    """Joined by AND."""

    def __init__(self, log: int, wanted: Wanted, entries: range) -> None:
        self._conditions = ["e.log_id = %s"]
        self.values: list[Any] = [log]
        if _indexed(wanted):
            segments = range(entries.start >> SEGMENT_BITS, ((entries.stop - 1) >> SEGMENT_BITS) + 1)
            self._add("(e.seq >> 12)::integer = ANY (%s::integer[])", list(segments))
            # `+ 0` keeps the primary key from being walked instead.
            self._add("e.seq + 0 >= %s AND e.seq + 0 < %s", entries.start, entries.stop)
        else:
            self._add("e.seq >= %s AND e.seq < %s", entries.start, entries.stop)
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
        found = [f"{_column(clause, place)} = ANY (%s::integer[])" for place in places]
        either = f"({' OR '.join(found) or 'false'})"
        self._add(f"NOT coalesce({either}, false)" if clause.negated else either, *(place.ids for place in places))

    def _add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self.values.extend(values)


def _column(clause: Clause, place: Among) -> str:
    """`+ 0` keeps an index from being used where that would be slower."""
    return f"e.{COLUMNS[place.dimension]}" + ("" if _by_index(clause) else " + 0")


def _indexed(wanted: Wanted) -> bool:
    """Whether the index of a segment is to be asked at all: of the newest entries there is nothing to ask."""
    return wanted.since is not None or wanted.until is not None or any(map(_by_index, wanted.clauses))


def _by_index(clause: Clause) -> bool:
    """All of its places or none: an entry may be found in either."""
    return not clause.negated and all(map(_few, clause.places))


def _few(place: Among) -> bool:
    return len(place.ids) <= FEW and place.dimension not in NOT_INDEXED
