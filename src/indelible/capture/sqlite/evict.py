"""What REPLACE evicts, whatever `recursive_triggers` says: triggers around the one that records (see decision 9).

With that pragma off no DELETE trigger fires for a row that has to go. So before a row is written, those in its way are
staged as they are; after it was written, those that are gone are recorded as deleted, before what took their place.
What was staged for a row that was not written after all (OR IGNORE, DO NOTHING) is never recorded: it is of
another statement, which its time tells, or its row is still there.
"""

from collections.abc import Callable
from typing import NamedTuple

from indelible.capture.sqlite.cells import HIDDEN, Cells, Rows, selected
from indelible.capture.sqlite.names import PREFIX, quote
from indelible.capture.sqlite.shape import ROWID, Shape

STAGE = f"{PREFIX}evicting"
SCHEMA = f"""CREATE TABLE IF NOT EXISTS {STAGE} (
  id INTEGER PRIMARY KEY, watch INTEGER NOT NULL, waits_for TEXT NOT NULL, at REAL NOT NULL)"""


class Evictions(NamedTuple):
    """The statements and conditions of one table's triggers that concern evicted rows."""

    table: str  # quoted
    watch: int
    shape: Shape
    olds: Callable[[str], Cells]  # what the outbox holds of a row called so in SQL

    def any_staged(self) -> str:
        return f"EXISTS (SELECT 1 FROM {STAGE} WHERE watch = {self.watch})"

    def in_the_way(self, but: str = "") -> str:
        """Whether NEW would have to evict any row `but` OLD."""
        found = [f"EXISTS (SELECT 1 FROM {self.table} WHERE {way}{self._but(but)})" for way in self._ways()]
        return " OR ".join([self.any_staged(), *found])

    def sets_unique(self) -> str:
        """The columns that a statement must set to evict; none: any may do. A rowid has three names beside its own."""
        columns = [unique.columns for unique in self.shape.uniques]
        if None in columns:
            return ""
        named = [name for names in columns for name in names or ()]
        named += [self.shape.rowid, *ROWID] if self.shape.rowid else []
        return " OF " + ", ".join(quote(name) for name in dict.fromkeys(named))

    def stage(self, waits_for: str, but: str = "") -> list[str]:
        """Forget what a statement left here that wrote nothing; then a statement for each way to be in NEW's way."""
        fixed = {"watch": str(self.watch), "waits_for": f"'{waits_for}'", "at": "julianday('now')"}
        keys = {f"k{i}": f"{self.table}.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)}
        mine = f"SELECT 1 FROM {STAGE} WHERE {self._mine(waits_for)} AND {self._staged(self.table)}"
        inserts = []
        for number, way in enumerate(self._ways()):
            twice = f" AND NOT EXISTS ({mine})" if number else ""
            rows = Rows(self.table, way + self._but(but) + twice, keys)
            columns, select = selected(self.olds(self.table), fixed, rows)
            inserts.append(f"INSERT INTO {STAGE} ({', '.join(columns)}) {select}")
        return [self.clear(waits_for), *inserts]

    def record(self, waits_for: str) -> str:
        """NEW was written: what is gone was evicted. What stands in its place now is NEW, wherever that came from."""
        replaced, moved = self._staged("NEW"), ""
        if waits_for == "update":
            replaced, moved = f"{replaced} AND NOT ({self._staged('OLD')})", self._moved()
        there = f"SELECT 1 FROM {self.table} WHERE {self._staged(self.table)}"
        row = {"token": "random()", "watch": str(self.watch), "operation": "'delete'", "at": f"{STAGE}.at"}
        row |= {place: f"{STAGE}.{place}" for place in self._places()}
        return (
            f"INSERT INTO {PREFIX}outbox ({', '.join(row)}) SELECT {', '.join(row.values())} FROM {STAGE} "
            f"WHERE {self._mine(waits_for)}{moved} AND at = julianday('now') AND ({replaced} OR NOT EXISTS ({there}))"
        )

    def clear(self, waits_for: str) -> str:
        return f"DELETE FROM {STAGE} WHERE {self._mine(waits_for)}"

    def changed_meanwhile(self) -> str:
        """By a foreign key's action, or a trigger of the application's: it is evicted as it is now."""
        key = {f"k{i}": f"NEW.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)}
        columns, select = selected(self.olds("NEW"), key)
        where = f"watch = {self.watch} AND {self._staged('OLD')}"
        return f"UPDATE {STAGE} SET ({', '.join(columns)}) = ({select}) WHERE {where}"

    def deleted_meanwhile(self) -> str:
        """By whatever fires the DELETE trigger, which has recorded it."""
        return f"DELETE FROM {STAGE} WHERE watch = {self.watch} AND {self._staged('OLD')}"

    def _places(self) -> list[str]:
        held = self.olds("OLD")
        return [*held, HIDDEN] if any(cell.guard for cell in held.values()) else [*held]

    def _ways(self) -> list[str]:
        """Each finds, by an index of the table, the rows that are in NEW's way."""
        ways = [
            " AND ".join([*([f"({u.where})"] if u.where else []), *(f"{p.held} = {p.given}" for p in u.parts)])
            for u in self.shape.uniques
        ]
        return [self._same(self.table, "NEW"), *ways] if self.shape.rowid else ways

    def _moved(self) -> str:
        """Only an update that changes a unique column evicts; another one finds what a refused statement staged."""
        columns = [unique.columns for unique in self.shape.uniques]
        if None in columns:
            return ""  # an expression has a say: then each update has cleared the stage itself
        named = [name for names in columns for name in names or ()] + [name for name, _ in self.shape.key]
        changed = (f"OLD.{quote(name)} IS NOT NEW.{quote(name)} COLLATE BINARY" for name in dict.fromkeys(named))
        return f" AND ({' OR '.join(changed)})"

    def _but(self, row: str) -> str:
        return f" AND NOT ({self._same(self.table, row)})" if row else ""

    def _same(self, one: str, other: str) -> str:
        return " AND ".join(
            f"{one}.{quote(name)} = {other}.{quote(name)} COLLATE {collation}" for name, collation in self.shape.key
        )

    def _staged(self, row: str) -> str:
        return " AND ".join(
            f"{STAGE}.k{i} = {row}.{quote(name)} COLLATE {collation}"
            for i, (name, collation) in enumerate(self.shape.key)
        )

    def _mine(self, waits_for: str) -> str:
        return f"{STAGE}.watch = {self.watch} AND waits_for = '{waits_for}'"
