"""A row written at once, as nearly all are: no column of it is gone, and no value of it is large.

Such a row needs no marker. It is told so that the planner makes one flat scan of it: in a statement that changes one
row, each node of a plan costs about as much as writing the row.
"""

from collections.abc import Callable, Sequence

from indelible.capture.definition import Column, Definition
from indelible.capture.postgres import describe
from indelible.capture.postgres.describe import TypedColumn
from indelible.capture.postgres.masks import masked, salted
from indelible.capture.postgres.names import SCHEMA, quote

AT_ONCE = 128 * 1024 * 1024  # bytes of a row's texts: those of old and new have room in one outbox row


class AtOnce:
    """What is put into FROM. Names in it that are not columns' begin with `indelible_`."""

    def __init__(self, definition: Definition, columns: Sequence[TypedColumn], salt: str, secret: str) -> None:
        typed = {each.column.name: each for each in columns}
        self._columns = [(column, typed[column.name]) for column in definition.columns]
        self._names = [quote(column.name) for column in definition.columns]
        self._salt = salt
        self._secret = secret

    def one(self, sources: dict[str, str]) -> str:
        """The single row of each source. `<side>.indelible_cells` are its cells, if `<side>.indelible_small`."""
        rows = ", ".join(f"{source} indelible_{side}_row" for side, source in sources.items())
        told = ", ".join(
            self._one(side, _beside_old if side == "new" and "old" in sources else _alone) for side in sources
        )
        return f"{rows}, {self._gone()}, {told}"

    def many(self, source: str) -> str:
        """Every row. `each.indelible_cells` are its cells; NULL where they cannot be written at once."""
        cells = self._cells(lambda _column, text: salted(text, self._salt))
        told = f"LATERAL (SELECT CASE WHEN {self._small()} THEN {cells} END AS indelible_cells {_row('each')}) each"
        return f"{source} indelible_each_row, {self._gone()}, {told}"

    def _one(self, side: str, unlike: Callable[[Column, str], str]) -> str:
        hidden = [(column, typed.text()) for column, typed in self._columns if column.guard or column.mask]
        was = "".join(f", {text} AS {_was(column)}" for column, text in hidden)
        told = f"ARRAY[{self._cells(unlike)}] AS indelible_cells, {self._small()} AS indelible_small{was}"
        return f"LATERAL (SELECT {told} {_row(side)}) {side}"

    def _cells(self, unlike: Callable[[Column, str], str]) -> str:
        each = [(column, typed.text()) for column, typed in self._columns]
        texts = [masked(column, text, unlike(column, text), self._secret) for column, text in each]
        return f"ARRAY[{', '.join(texts) or 'NULL'}]::text[]"

    def _gone(self) -> str:
        """What a name is found to be that is no longer the row's: of a type that no column can have."""
        return f"(SELECT {', '.join(f'NULL::{SCHEMA}.nothing AS {name}' for name in self._names)}) indelible_gone"

    def _small(self) -> str:
        """The planner tells whether a column is gone: it plans anew when the table changes."""
        if any(typed.computed for _, typed in self._columns):
            return "false"  # what it is made from may be gone
        there = [f"NOT {SCHEMA}.gone({name})" for name in self._names]
        sizes = ", ".join(size for _, typed in self._columns if (size := typed.at_most()))
        most = min(describe.LARGE, AT_ONCE // len(self._columns)) if sizes else 0
        small = [f"(greatest({sizes}) > {most}) IS NOT TRUE"] if sizes else []
        return " AND ".join([*there, *small]) or "true"


def _row(side: str) -> str:
    """Where the names of columns are looked for first."""
    return f"FROM (SELECT indelible_{side}_row.*) indelible_row"


def _was(column: Column) -> str:
    return quote(f"indelible_was_{column.name}")


def _alone(_column: Column, text: str) -> str:
    return f"CASE WHEN {text} IS NOT NULL THEN '0' END"


def _beside_old(column: Column, text: str) -> str:
    """C: two texts that a collation calls equal may differ."""
    same = f'({text}) COLLATE "C" = old.{_was(column)}'
    return f"CASE WHEN {text} IS NOT NULL THEN CASE WHEN {same} THEN '0' ELSE '1' END END"
