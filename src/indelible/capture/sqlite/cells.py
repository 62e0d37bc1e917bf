"""What an outbox row holds of a table's row, cell by cell, in SQL."""

from typing import NamedTuple

from indelible.capture.definition import Column, Definition
from indelible.capture.sqlite.guard import hidden
from indelible.capture.sqlite.names import quote

HIDDEN = "hidden"  # the outbox's column that names the places in which a secret was found


class Cell(NamedTuple):
    value: str  # as it is, or what stands for a masked one
    instead: str  # where a secret is found in it: 1 if it changed, else 0
    guard: list[str]


Cells = dict[str, Cell]  # by their place in the outbox


def cells(definition: Definition, side: str, row: str) -> Cells:
    """One side ("o", "n") of a row called so in SQL."""
    return {f"{side}{i}": Cell(_value(row, c), "0", c.guard) for i, c in enumerate(definition.columns)}


def updated(definition: Definition) -> Cells:
    """The new side after an update: what is not shown is 1 if it changed, so that the change itself is seen."""
    return {f"n{i}": Cell(_new_value(c), f"({differs(c)})", c.guard) for i, c in enumerate(definition.columns)}


def differs(column: Column) -> str:
    """Null-safe: `!=` would miss every change from or to NULL. Binary: NOCASE would miss Dana -> dana."""
    old, new = f"OLD.{quote(column.name)}", f"NEW.{quote(column.name)}"
    differs = f"{old} IS NOT {new} COLLATE BINARY"
    # 1 and 1.0 are two values; only a column without a type can hold both.
    return f"({differs} OR typeof({old}) IS NOT typeof({new}))" if column.kind == "any" else differs


class Rows(NamedTuple):
    """The rows of a table that are selected from, and expressions over them that have a place too."""

    source: str
    where: str
    keys: dict[str, str]


def selected(held: Cells, fixed: dict[str, str], rows: Rows | None = None) -> tuple[list[str], str]:
    """The outbox's columns and the SELECT that fills them, of `rows`, or in a trigger of NEW and OLD.

    What is looked for is looked for once in all cells, so that the long condition stands here once.
    """
    guarded = {place: (cell.value, cell.guard) for place, cell in held.items() if cell.guard}
    keys, source = (rows.keys, f" FROM {rows.source} WHERE {rows.where}") if rows else ({}, "")
    if not guarded:
        row = fixed | keys | {place: cell.value for place, cell in held.items()}
        return [*row], f"SELECT {', '.join(row.values())}{source}"
    within = {HIDDEN: hidden(guarded)}
    if rows:  # by names of ours: a rowid is no column of a subquery
        within |= keys | {place: cell.value for place, cell in held.items()}
        held = {place: cell._replace(value=f"indelible_{place}") for place, cell in held.items()}
    row = fixed | {place: f"indelible_{place}" for place in [*keys, HIDDEN]}
    row |= {place: _shown(place, cell) for place, cell in held.items()}
    inner = ", ".join(f"{value} AS indelible_{place}" for place, value in within.items())
    return [*row], f"SELECT {', '.join(row.values())} FROM (SELECT {inner}{source})"


def _shown(place: str, cell: Cell) -> str:
    if not cell.guard:
        return cell.value
    return f"CASE WHEN instr(indelible_{HIDDEN}, ',{place},') THEN {cell.instead} ELSE {cell.value} END"


def _value(row: str, column: Column) -> str:
    """A masked value never leaves the table: NULL stays NULL, all else becomes 0."""
    name = f"{row}.{quote(column.name)}"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE 0 END" if column.mask else name


def _new_value(column: Column) -> str:
    if not column.mask:
        return _value("NEW", column)
    return f"CASE WHEN NEW.{quote(column.name)} IS NULL THEN NULL ELSE {differs(column)} END"
