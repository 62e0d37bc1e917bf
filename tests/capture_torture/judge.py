"""One word for what a library recorded of a case. It is measured; nobody declares anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.capture_torture.engines import Tables
from tests.capture_torture.model import Change, Row


class Verdict(StrEnum):
    EXACTLY = "exactly"
    NO_OLD = "without old values"
    PARTLY = "partly"
    NOTHING = "not at all"
    BROKE = "the write broke"
    PHANTOM = "a phantom"
    NO_MODEL = "cannot be set up"  # the library's own framework has no model for such a table


@dataclass(frozen=True)
class Recorded:
    """One change as a library tells it, its values spelled as it spells them."""

    operation: str
    table: str
    key: Any  # of the row afterwards, or before it was deleted; None if it is not told
    old: Row | None  # None: not told
    new: Row | None


# Whether `recorded` is how the library writes `expected`; the column's type stands between.
Same = Callable[[Any, str, Any], bool]


@dataclass(frozen=True)
class Rules:
    """How a library's spelling is compared."""

    same: Same
    same_key: Callable[[tuple[Any, ...], tuple[str, ...], Any], bool]


def judge(expected: Sequence[Change], recorded: Sequence[Recorded], tables: Tables, rules: Rules) -> Verdict:
    """The order in which it was recorded is not judged: engines leave it open within a statement."""
    view = _View(tables, rules)
    left, missing = _match(list(expected), list(recorded), view.exactly)
    if not left and not missing:
        return Verdict.EXACTLY
    unsure, lost = _match(missing, left, view.same_row)
    if unsure:
        return Verdict.PHANTOM
    if len(lost) == len(expected):
        return Verdict.NOTHING
    left, missing = _match(missing, left, view.but_for_old)
    return Verdict.NO_OLD if not left and not missing else Verdict.PARTLY


def _match(
    expected: list[Change], recorded: list[Recorded], fits: Callable[[Change, Recorded], bool]
) -> tuple[list[Recorded], list[Change]]:
    """What is left of both sides after each took one that fits."""
    left, missing = list(recorded), []
    for change in expected:
        found = next((i for i, record in enumerate(left) if fits(change, record)), None)
        if found is None:
            missing.append(change)
        else:
            del left[found]
    return left, missing


@dataclass(frozen=True)
class _View:
    tables: Tables
    rules: Rules

    def same_row(self, change: Change, record: Recorded) -> bool:
        if (change.operation, change.table) != (record.operation, record.table):
            return False
        table = self.tables[change.table]
        types = tuple(table.columns[column] for column in table.key)
        return record.key is None or self.rules.same_key(table.key_of(change), types, record.key)

    def but_for_old(self, change: Change, record: Recorded) -> bool:
        """What is told is right; of the old values some or all are not told."""
        if not self.same_row(change, record):
            return False
        told = {column: change.old[column] for column in record.old or {} if column in change.old}
        if not self._row(change, told, record.old):
            return False
        # Without an old value nobody can tell which columns changed: the others may be told too.
        new = {column: value for column, value in (record.new or {}).items() if record.old or column in change.new}
        return self._row(change, change.new, new)

    def exactly(self, change: Change, record: Recorded) -> bool:
        if not self.same_row(change, record):
            return False
        return self._row(change, change.old, record.old) and self._row(change, change.new, record.new)

    def _row(self, change: Change, expected: Row, recorded: Mapping[str, Any] | None) -> bool:
        recorded = recorded or {}
        columns = self.tables[change.table].columns
        return expected.keys() == recorded.keys() and all(
            self.rules.same(value, columns[column], recorded[column]) for column, value in expected.items()
        )
