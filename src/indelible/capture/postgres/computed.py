"""Virtual columns have no value in a trigger: each is computed by a function of our own, from those it is made from.

Its expression is in the function alone: a name in it that is no more would fail every write. Where a column that it
is made from is gone, or of another type by now, the function is not called, and the value is gone as well. It has no
settings of its own: who calls it holds still what its expression and its value depend on.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indelible.capture.definition import Definition
from indelible.capture.postgres.describe import VALUES, TypedColumn
from indelible.capture.postgres.names import SCHEMA, literal, quote
from indelible.capture.postgres.sizes import held

MOST = 1000 * 1024 * 1024  # bytes; a row of more cannot be handed over
BODY = """
#variable_conflict use_column
BEGIN
  RETURN (SELECT {value} FROM (SELECT {row}) c);
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;  -- it has no value that anybody could read: 1 / 0
END """


class Function(NamedTuple):
    """Gives the value of one virtual column as a cell."""

    name: str
    body: str

    @property
    def signature(self) -> str:
        return f"{SCHEMA}.{quote(self.name)}(record)"

    def create(self) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.{quote(self.name)}(indelible_row record) RETURNS text "
            f"LANGUAGE plpgsql STABLE AS {literal(self.body)}"
        )


def functions(definition: Definition, columns: Sequence[TypedColumn]) -> list[Function]:
    """What the triggers of a table call."""
    seen = {column.name: column for column in definition.columns}
    known = [each._replace(column=seen[each.column.name]) for each in columns if each.column.name in seen]
    return [_function(each) for each in known if each.computed]


def _function(column: TypedColumn) -> Function:
    assert column.computed is not None  # noqa: S101 - asked by the caller
    row = ", ".join(f"indelible_row.f{i} AS {quote(name)}" for i, name in enumerate(column.computed.bases, 1))
    value = column.text_of(f"({column.computed.expression})")
    return Function(column.computed.function, BODY.format(value=value, row=row))


def computing(computed: Sequence[TypedColumn], columns: Mapping[str, TypedColumn], marker: str) -> str:
    """What stands beside a row `t` for its virtual columns: a row of texts, to be found as `VALUES`."""
    if not computed:
        return ""
    texts = ", ".join(f"({_value(each, columns, marker)}) AS {quote(each.column.name)}" for each in computed)
    bases = {name: None for each in computed if each.computed for name in each.computed.bases}
    # No column of a table can be a record: what is found one level further out is of another type than it was.
    gone = ", ".join(f"ROW() AS {quote(name)}" for name in bases)
    return f", LATERAL (SELECT {texts} FROM (SELECT {gone}) d OFFSET 0) {VALUES}"


def _value(column: TypedColumn, columns: Mapping[str, TypedColumn], marker: str) -> str:
    assert column.computed is not None  # noqa: S101 - asked by the caller
    bases = [(quote(name), columns[name]) for name in column.computed.bases]
    there = " AND ".join(f"pg_typeof({name}) = {literal(base.declared)}::regtype" for name, base in bases) or "true"
    width = " + ".join(f"{held(base)}::bigint" for _, base in bases) or "0"
    called = f"{SCHEMA}.{quote(column.computed.function)}(ROW({', '.join(name for name, _ in bases)}))"
    return f"""SELECT CASE WHEN {there} THEN CASE WHEN {width} <= {MOST} THEN {called} END ELSE {marker} END
      FROM (SELECT t.*) c"""
