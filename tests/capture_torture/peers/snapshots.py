"""Histories that keep a whole row for each change: what changed is told by the row before."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.capture_torture import engines
from tests.capture_torture.engines import Described, canonical, identical, qualified, quote
from tests.capture_torture.judge import Recorded, Rules
from tests.capture_torture.model import Engine
from tests.capture_torture.place import Place


@dataclass(frozen=True)
class History:
    """A table beside a table. `columns`: of the table, to those of the history."""

    table: str
    name: str
    columns: dict[str, str]
    order: str
    operation: str  # the column that says what happened
    meaning: dict[str, str]  # its values, to operations
    deleted_is_told: bool  # a delete's row holds what was deleted


def rules(engine: Engine) -> Rules:
    """Values are read as the database has them, from columns of the same types."""

    def same(expected: Any, _type: str, recorded: Any) -> bool:
        return identical(canonical(expected, engine), recorded)

    def same_key(key: tuple[Any, ...], types: tuple[str, ...], recorded: Any) -> bool:
        return all(same(part, type_, told) for part, type_, told in zip(key, types, recorded, strict=True))

    return Rules(same, same_key)


def read(place: Place, histories: Iterable[History], seen: dict[str, int]) -> list[Recorded]:
    """`seen`: how many rows of each history are older than the case."""
    return [record for history in histories for record in _read(place, history)[seen.get(history.name, 0) :]]


def count(place: Place, histories: Iterable[History]) -> dict[str, int]:
    return {history.name: len(_rows(place, history)) for history in histories}


def _read(place: Place, history: History) -> list[Recorded]:
    table = place.tables[history.table]
    latest: dict[str, dict[str, Any]] = {}
    records = []
    for operation, row in _rows(place, history):
        key = tuple(row[column] for column in table.key)
        before = latest.get(repr(key))
        records.append(_recorded(history, table, operation, key, row, before))
        latest[repr(key)] = row
    return records


def _recorded(  # noqa: PLR0917 - a row and the one before it
    history: History,
    table: Described,
    operation: str,
    key: tuple[Any, ...],
    row: dict[str, Any],
    before: dict[str, Any] | None,
) -> Recorded:
    if operation == "create":
        return Recorded(operation, table.name, key, {}, row)
    if operation == "delete":
        return Recorded(operation, table.name, key, row if history.deleted_is_told else before, {})
    if before is None:
        return Recorded(operation, table.name, key, None, row)
    changed = [column for column in row if not identical(row[column], before[column])]
    return Recorded(
        operation, table.name, key, {c: before[c] for c in changed}, {c: row[c] for c in changed}
    )  # fmt: skip


def _rows(place: Place, history: History) -> list[tuple[str, dict[str, Any]]]:
    cast = "::text" if place.engine == "postgres" else ""
    names = ", ".join(f"{quote(column)}{cast}" for column in history.columns.values())
    with place.connection() as db:
        if place.engine == "postgres":
            for setting in engines.CANONICAL:
                db.execute(setting)
        sql = (
            f"SELECT {quote(history.operation)}, {names} FROM {qualified(history.name)} ORDER BY {quote(history.order)}"
        )
        rows = db.execute(sql).fetchall()
    return [(history.meaning[str(row[0])], dict(zip(history.columns, row[1:], strict=True))) for row in rows]
