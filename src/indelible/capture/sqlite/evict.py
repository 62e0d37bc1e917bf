"""What REPLACE evicts, whatever `recursive_triggers` says: triggers around the one that records (see decision 9).

With that pragma off no DELETE trigger fires for a row that has to go. So before a row is written, those in its way are
staged as they are; after it was written, those that are gone are recorded as deleted, before what took their place.
What was staged for a row that was not written after all (OR IGNORE, DO NOTHING) is never recorded: it is of
another statement, which its time tells, or its row is still there.
"""

from collections.abc import Callable
from typing import NamedTuple

from indelible.capture.sqlite.cells import HIDDEN, Cells, Rows, selected
from indelible.capture.sqlite.names import PREFIX, ROWID, quote
from indelible.capture.sqlite.shape import Shape

STAGE = f"{PREFIX}evicting"
SCHEMA = f"""CREATE TABLE IF NOT EXISTS {STAGE} (
  id INTEGER PRIMARY KEY, watch INTEGER NOT NULL, waits_for TEXT NOT NULL, at REAL NOT NULL)"""

ITSELF = "itself"  # what the row that is being updated waits for


class Evictions(NamedTuple):
    """The statements and conditions of one table's triggers that concern evicted rows."""

    source: str  # of the table's rows
    table: str  # what they are called
    watch: int
    shape: Shape
    olds: Callable[[str], Cells]  # what the outbox holds of a row called so in SQL

    def in_the_way(self, waits_for: str, but: str = "") -> str:
        """Whether NEW would have to evict any row `but` OLD; or something is left here from before."""
        found = [f"EXISTS (SELECT 1 FROM {self.source} WHERE {way}{self._but(but)})" for way in self._ways()]
        return " OR ".join([f"EXISTS (SELECT 1 FROM {STAGE} WHERE {self._mine(waits_for)})", *found])

    def sets_unique(self) -> str:
        """The columns that a statement must set to evict; none: any may do. A rowid has three names beside its own."""
        columns = [unique.columns for unique in self.shape.uniques]
        if None in columns:
            return ""
        named = [name for names in columns for name in names or ()]
        named += [self.shape.rowid, *ROWID] if self.shape.rowid else []
        return " OF " + ", ".join(quote(name) for name in dict.fromkeys(named))

    def stage(self, waits_for: str, but: str = "") -> list[str]:
        """Forget what a statement left here that wrote nothing; then a statement for each way to be in NEW's way.

        What is gone already is in the way of a statement that is still at work, and has caused this one.
        """
        fixed = {"watch": str(self.watch), "waits_for": f"'{waits_for}'", "at": "julianday('now')"}
        keys = {f"k{i}": f"{self.table}.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)}
        keys |= {f"w{i}": f"OLD.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)} if but else {}
        mine = f"SELECT 1 FROM {STAGE} WHERE {self._mine(waits_for)} AND {self._staged(self.table)}"
        inserts = []
        for number, way in enumerate(self._ways()):
            twice = f" AND NOT EXISTS ({mine})" if number else ""
            rows = Rows(self.source, way + self._but(but) + twice, keys)
            columns, select = selected(self.olds(self.table), fixed, rows)
            inserts.append(f"INSERT INTO {STAGE} ({', '.join(columns)}) {select}")
        itself = self._stage_itself() if but and self._may_change_itself() else []
        return [f"DELETE FROM {STAGE} WHERE {self._mine(waits_for)} AND NOT ({self._gone()})", *inserts, *itself]

    def _stage_itself(self) -> list[str]:
        """Evicting the row that it refers to changes the row itself, before it is written as the statement has it."""
        fixed = {"watch": str(self.watch), "waits_for": f"'{ITSELF}'", "at": "julianday('now')"}
        fixed |= {f"k{i}": f"OLD.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)}
        columns, select = selected(self.olds("OLD"), fixed)
        evicts = f"SELECT 1 FROM {STAGE} WHERE {self._mine('update')} AND {self._staged('OLD', STAGE, 'w')}"
        where = f"EXISTS ({evicts}) AND NOT EXISTS (SELECT 1 FROM {STAGE} WHERE {self._itself()})"
        return [f"INSERT INTO {STAGE} ({', '.join(columns)}) {select} WHERE {where}"]

    def updated(self, plain: str, fixed: dict[str, str], new: Cells) -> list[str]:
        """The record of an update: of what the row was meanwhile, where anything can have changed it."""
        if not self._may_change_itself():
            return [plain]
        row = fixed | {place: cell.value for place, cell in new.items()}
        row |= {place: f"{STAGE}.{place}" for place in self.olds("OLD")}
        insert = f"INSERT INTO {PREFIX}outbox ({', '.join(row)}) SELECT {', '.join(row.values())}"
        meanwhile = f"FROM {STAGE} WHERE {self._itself()}"
        return [f"{plain} WHERE NOT EXISTS (SELECT 1 {meanwhile})", f"{insert} {meanwhile}"]

    def record(self, waits_for: str) -> str:
        """NEW was written: what is gone was evicted. What stands in its place now is NEW, wherever that came from."""
        row = {"token": "random()", "watch": str(self.watch), "operation": "'delete'", "at": f"{STAGE}.at"}
        row |= {place: f"{STAGE}.{place}" for place in self._places()}
        return (
            f"INSERT INTO {PREFIX}outbox ({', '.join(row)}) SELECT {', '.join(row.values())} FROM {STAGE} "
            f"WHERE {self._mine(waits_for)} AND {self._evicted(waits_for)}"
        )

    def clear(self, waits_for: str) -> str:
        """What can never be recorded; and what was, however often it stands here."""
        same = " AND ".join(f"done.k{i} IS {STAGE}.k{i}" for i in range(len(self.shape.key)))
        done = f"SELECT 1 FROM {STAGE} AS done WHERE {self._mine(waits_for, 'done')} AND {same}"
        old = f"(waits_for IN ('{waits_for}', '{ITSELF}') AND at <> julianday('now'))"
        known = f"EXISTS ({done} AND {self._evicted(waits_for, 'done')})"
        return f"DELETE FROM {STAGE} WHERE watch = {self.watch} AND ({old} OR {known})"

    def changed_meanwhile(self) -> str:
        """By a foreign key's action, or a trigger of the application's: it is evicted as it is now."""
        key = {f"k{i}": f"NEW.{quote(name)}" for i, (name, _) in enumerate(self.shape.key)}
        columns, select = selected(self.olds("NEW"), key)
        where = f"watch = {self.watch} AND {self._staged('OLD')}"
        return f"UPDATE {STAGE} SET ({', '.join(columns)}) = ({select}) WHERE {where}"

    def came_into_the_way(self) -> list[str]:
        """A row that a foreign key's action changes, since another was evicted, may have to go as well."""
        if not self.shape.cascades:
            return []
        cause = f"FROM {STAGE} WHERE watch = {self.watch} AND {self._gone()}"
        fixed = {"watch": str(self.watch), "waits_for": f"(SELECT waits_for {cause})", "at": "julianday('now')"}
        for i, (name, _) in enumerate(self.shape.key):
            fixed |= {f"k{i}": f"NEW.{quote(name)}", f"w{i}": f"(SELECT w{i} {cause})"}
        columns, select = selected(self.olds("NEW"), fixed)
        known = f"SELECT 1 FROM {STAGE} WHERE watch = {self.watch} AND {self._staged('NEW')}"
        where = f"EXISTS (SELECT 1 {cause}) AND NOT EXISTS ({known})"
        return [f"INSERT INTO {STAGE} ({', '.join(columns)}) {select} WHERE {where}"]

    def deleted_meanwhile(self) -> str:
        """By whatever fires the DELETE trigger, which has recorded it."""
        return f"DELETE FROM {STAGE} WHERE watch = {self.watch} AND {self._staged('OLD')}"

    def _gone(self, staged: str = STAGE) -> str:
        """Of a staged row: this very statement staged it, and it is not there any more."""
        there = f"SELECT 1 FROM {self.source} WHERE {self._staged(self.table, staged)}"
        return f"{staged}.at = julianday('now') AND NOT EXISTS ({there})"

    def _evicted(self, waits_for: str, staged: str = STAGE) -> str:
        """Gone, or NEW stands where it stood. What is gone while a foreign key's action works waits for another row."""
        evicted = f"({self._gone(staged)} OR {staged}.at = julianday('now') AND {self._staged('NEW', staged)})"
        if waits_for == "insert":
            return evicted
        waits = f"{self._staged('OLD', staged, 'w')} AND NOT ({self._staged('OLD', staged)})"
        return f"{evicted} AND {waits}{self._moved()}"

    def _may_change_itself(self) -> bool:
        """Where secrets are looked for too, what is found once stands at no other place: it is left alone."""
        return self.shape.cascades and HIDDEN not in self._places()

    def _itself(self) -> str:
        return f"{self._mine(ITSELF)} AND {self._staged('OLD')} AND at = julianday('now')"

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
            f"{one}.{quote(name)} = {other}.{quote(name)} COLLATE {quote(collation)}"
            for name, collation in self.shape.key
        )

    def _staged(self, row: str, staged: str = STAGE, side: str = "k") -> str:
        return " AND ".join(
            f"{staged}.{side}{i} = {row}.{quote(name)} COLLATE {quote(collation)}"
            for i, (name, collation) in enumerate(self.shape.key)
        )

    def _mine(self, waits_for: str, staged: str = STAGE) -> str:
        return f"{staged}.watch = {self.watch} AND {staged}.waits_for = '{waits_for}'"
