"""A row written at once, as nearly all are: no column of it is gone, and no value of it is large.

Such a row needs no marker. It is told so that the planner makes one flat scan of it: in a statement that changes one
row, each node of a plan costs about as much as writing the row.
"""

from collections.abc import Callable, Sequence

from indelible.capture.definition import Column
from indelible.capture.postgres.describe import TypedColumn
from indelible.capture.postgres.masks import masked, salted
from indelible.capture.postgres.names import SCHEMA, quote
from indelible.capture.postgres.sizes import too_much


class AtOnce:
    """What is put into FROM. Names in it that are not columns' begin with `indelible_`."""

    def __init__(self, columns: Sequence[tuple[Column, TypedColumn]], salt: str, secret: str) -> None:
        # With a virtual column nothing is: what it is made from may be gone, and its value may be of any size.
        self._never = any(typed.computed for _, typed in columns)
        self._columns = [] if self._never else columns
        self._too_much = too_much([typed for _, typed in self._columns])
        self._names = [quote(column.name) for column, _ in columns]
        self._salt = salt
        self._secret = secret

    def one(self, sources: dict[str, str]) -> str:
        """The single row of each source. `<side>.indelible_cells` are its cells, if `<side>.indelible_small`."""
        # The first one stays outside: where it has nothing to tell, the others are not read.
        rows = " LEFT JOIN ".join(f"{source} indelible_{side}_row" for side, source in sources.items())
        rows += " ON true" * (len(sources) - 1)
        told = ", ".join(
            self._one(side, _beside_old if side == "new" and "old" in sources else _alone) for side in sources
        )
        return f"{rows}, {self._gone()}, {told}"

    def many(self, source: str) -> str:
        """Every row. `each.indelible_cells` are its cells; NULL where they cannot be written at once."""
        cells = self._cells(lambda _place, text: salted(text, self._salt))
        told = f"LATERAL (SELECT CASE WHEN {self._small()} THEN {cells} END AS indelible_cells {_row('each')}) each"
        return f"{source} indelible_each_row, {self._gone()}, {told}"

    def _one(self, side: str, unlike: Callable[[int, str], str]) -> str:
        numbered = enumerate(self._columns)
        hidden = [(i, typed.text()) for i, (column, typed) in numbered if column.guard or column.mask]
        was = "".join(f", {text} AS indelible_was_{i}" for i, text in hidden)
        told = f"{self._cells(unlike)} AS indelible_cells, {self._small()} AS indelible_small{was}"
        return f"LATERAL (SELECT {told} {_row(side)}) {side}"

    def _cells(self, unlike: Callable[[int, str], str]) -> str:
        each = [(i, column, typed.text()) for i, (column, typed) in enumerate(self._columns)]
        texts = [masked(column, text, unlike(i, text), self._secret) for i, column, text in each]
        return f"ARRAY[{', '.join(texts) or 'NULL'}]::text[]"

    def _gone(self) -> str:
        """What a name is found to be that is no longer the row's: of a type that no column can have."""
        return f"(SELECT {', '.join(f'NULL::{SCHEMA}.nothing AS {name}' for name in self._names)}) indelible_gone"

    def _small(self) -> str:
        """The planner tells whether a column is gone: it plans anew when the table changes."""
        if self._never:
            return "false"
        there = [f"NOT {SCHEMA}.gone({name})" for name in self._names]
        if self._too_much:
            there.append(f"({self._too_much}) IS NOT TRUE")
        return " AND ".join(there) or "true"


def _row(side: str) -> str:
    """Where the names of columns are looked for first."""
    return f"FROM (SELECT indelible_{side}_row.*) indelible_row"


def _alone(_place: int, text: str) -> str:
    return f"CASE WHEN {text} IS NOT NULL THEN '0' END"


def _beside_old(place: int, text: str) -> str:
    """C: two texts that a collation calls equal may differ."""
    same = f'({text}) COLLATE "C" = old.indelible_was_{place}'
    return f"CASE WHEN {text} IS NOT NULL THEN CASE WHEN {same} THEN '0' ELSE '1' END END"
