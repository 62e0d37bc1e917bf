"""Holds the tables against the log."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Literal, NamedTuple

from indelible.capture.definition import Definition
from indelible.capture.identity import place
from indelible.capture.source import Snapshot, Source
from indelible.capture.translate import translate
from indelible.errors import CaptureError
from indelible.event import read
from indelible.log import Log
from indelible.reconcile.replay import Replay, normal
from indelible.reconcile.state import State
from indelible.values import REDACTED

TRIES = 50  # of taking a snapshot while nothing is being sealed


class Difference(NamedTuple):
    """A row that is not as the log has it. `columns`: name to what the log has and what the table has."""

    table: str
    row: str
    kind: Literal["changed", "not in the log", "not in the table"]
    columns: dict[str, dict[str, Any]]


class Report(NamedTuple):
    """What was looked at; the differences were given one by one. `missed`: tables that are watched no longer."""

    tables: int
    rows: int
    differences: int
    missed: list[str]


def compare(
    source: Source, log: Log, found: Callable[[Difference], None], progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Give each difference to `found`. Raises CaptureError, LogError, and CaptureError while sealing never rests."""
    snapshot, size = _still(source, log)
    with closing(snapshot), closing(State()) as state:
        tables = [each for each in snapshot.watched() if not each.map.exclude]
        _replay(snapshot, log, size, Replay(state, tables, snapshot.ever_watched(), log.attached), progress)
        rows = differences = 0
        for definition in tables:
            for difference in _table(snapshot, state, definition):
                if difference is None:
                    rows += 1
                    continue
                differences += 1
                found(difference)
    return Report(len(tables), rows, differences, _missed(source))


def _missed(source: Source) -> list[str]:
    """As in a restored database, whose tables are others than those that were watched."""
    compared = source.watched()
    return [each.table for each in source.coverage() if each.wanted and each.table not in compared]


def _still(source: Source, log: Log) -> tuple[Snapshot, int]:
    """A snapshot, and the size of the log that goes with it: nothing was sealed while it was taken.

    What was committed before is then in the log below that size, or in the snapshot's outbox, or in both.
    """
    for _ in range(TRIES):
        before = log.head().size
        snapshot = source.snapshot()
        if log.head().size == before:
            return snapshot, before
        snapshot.close()
    raise CaptureError(f"In {TRIES} tries entries were sealed each time meanwhile. Try again when less is written.")


def _replay(snapshot: Snapshot, log: Log, size: int, replay: Replay, progress: Callable[[int], None]) -> None:
    for seq, _, line in log.leaves(0, size):
        if seq % 1000 == 0:
            progress(seq)
        replay.apply(read(line))
    for record in snapshot.waiting():
        event = translate(record, NoNames())
        if not log.knows(event.id, size):
            replay.apply(event)
    replay.settle()


class NoNames:
    """For translating records whose names do not matter."""

    def entity_name(self, entity_type: str, key: str) -> str | None: ...
    def organization_name(self, key: str) -> str | None: ...


def _table(snapshot: Snapshot, state: State, definition: Definition) -> Iterator[Difference | None]:
    """None for each row looked at."""
    compared = {column.name for column in definition.columns if column.shown}
    for row in snapshot.rows(definition):
        here = place(definition, row)
        logged = state.take(definition.table, here)
        if logged is None:
            yield Difference(definition.table, here, "not in the log", {})
        else:
            columns = _columns(logged, normal(row), compared)
            if columns:
                yield Difference(definition.table, here, "changed", columns)
        yield None
    for here, _ in state.left(definition.table):
        yield Difference(definition.table, here, "not in the table", {})


def _columns(logged: dict[str, Any], row: dict[str, Any], compared: set[str]) -> dict[str, dict[str, Any]]:
    """Columns that the log does not tell of, since they were added later, are not its to answer for."""
    return {
        column: {"log": logged[column], "table": value}
        for column, value in row.items()
        if column in compared and column in logged and not _same(logged[column], value)
    }


def _same(logged: Any, value: Any) -> bool:
    """1 and 1.0 are two values; 1 and true are one, in a column that was watched as another type."""
    alike = isinstance(logged, float) is isinstance(value, float)
    return (alike and logged == value) or _untold(logged, value)


def _untold(logged: Any, value: Any) -> bool:
    """A large value whose copy beside the log is gone, on purpose: only its hash is left, over a nonce; the hash of one
    that was too large to be copied can be held against the table's. Or a secret, known by its look, in a column that
    shows the others.
    """
    if isinstance(logged, dict) and "sha256" in logged:
        return not (isinstance(value, dict) and "sha256" in value)
    return bool(logged == REDACTED and value is not None)
