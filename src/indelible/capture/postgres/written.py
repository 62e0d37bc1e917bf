"""How the rows of one table are written as arrays of texts: the SQL of it, from the table's definition."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from indelible.capture.context import SOMEBODY
from indelible.capture.definition import Column, Definition
from indelible.capture.postgres.at_once import AtOnce
from indelible.capture.postgres.computed import computing
from indelible.capture.postgres.describe import TypedColumn, gone, pins
from indelible.capture.postgres.masks import SECRET, found, masked, salted
from indelible.capture.postgres.names import quote
from indelible.capture.postgres.order import MARKED, TOLD
from indelible.capture.postgres.sizes import digest, large, may_be_too_much, too_much, width

# Nobody said who acts: the setting is not there, or is empty, as another transaction left it; or a request is served,
# and in it nobody has said yet.
UNCLAIMED = f"(ascii(current_setting('indelible.context', true)) = {ord(SOMEBODY)}) IS NOT TRUE"
REFUSED = f"""IF {UNCLAIMED} THEN
    RAISE EXCEPTION 'indelible: nobody is said to make this change, and the table takes none such'
      USING HINT = 'Make it inside acting_as(...).';
  END IF;"""
# A text that nobody can know before it is used: each call of a trigger has its own, and puts it beside the rows.
MARKER = "capture.marker"
ANYTHING = "concat(gen_random_uuid())"  # no cast: an application can make those


class Terms(NamedTuple):
    """What the SQL calls what is not in the row."""

    marker: str
    salt: str = ANYTHING  # for rows that are compared with nothing of their statement
    secret: str = SECRET


IN_FUNCTION = Terms(MARKER, "capture.salt", "capture.secret")
# The variables are called by the name of their block: a column may have any name.
BODY = """
#variable_conflict use_column
<<capture>>
DECLARE
  size integer;
  old_chunks refcursor;
  new_chunks refcursor;
  old text[];
  new text[];
  marker text;
  salt text;
  {more}
BEGIN
  {statements}
  RETURN NULL;
END """


class Written:
    """How the columns are written: in a trigger's function, or at once, with terms of their own."""

    def __init__(
        self,
        definition: Definition,
        columns: Sequence[TypedColumn],
        terms: Terms = IN_FUNCTION,
        *,
        marked: bool = False,
    ) -> None:
        self._terms = terms
        self.marked = marked  # by a trigger of ours that ran before any other
        typed = {column.name: gone(column) for column in definition.columns}
        typed |= {each.column.name: each for each in columns}
        typed |= {column.name: typed[column.name]._replace(column=column) for column in definition.columns}
        self._columns = [(column, typed[column.name].found()) for column in definition.columns]
        columns = [each for _, each in self._columns]
        self._computing = computing([each for each in columns if each.computed], typed, terms.marker)
        self._wide = may_be_too_much(columns)
        self._variables = MARKED if marked else ""
        self.at_once = AtOnce(self._columns, IN_FUNCTION.salt, IN_FUNCTION.secret)
        # Each to run before what needs it: to draw a text takes as long as to insert a row.
        self.draw_marker = f"{MARKER} := {ANYTHING};"
        salted = any(column.guard or column.mask == "redacted" for column in definition.columns)
        self.draw_salt = f"{IN_FUNCTION.salt} := {ANYTHING};" if salted else ""
        if any(column.mask == "hashed" for column in definition.columns):
            self._variables += f"secret CONSTANT bytea := {SECRET};"
        self.settings = ["search_path = pg_catalog, pg_temp", *pins(_read(typed, definition))]
        self.strict = REFUSED if definition.strict else ""
        self._names = [quote(column.name) for column in definition.columns]
        self._absent = self._each(f"{terms.marker}::text")

    def cells(self) -> str:
        """A row `t` as an array of texts.

        A column that was dropped or renamed since is found one level further out, as the marker: the application's
        writes go on, and `coverage` tells what is no longer seen. Where nothing is seen, NULL: arrays of nothing
        cannot be gathered.
        """
        cells = self._texts(large) if not self._wide else self._measured()
        return f"(SELECT {cells} FROM (SELECT t.*) c)"

    def _texts(self, too_large: Callable[[TypedColumn], str]) -> str:
        texts = ", ".join(_text(column, typed, self._terms, too_large(typed)) for column, typed in self._columns)
        return f"ARRAY[{texts or 'NULL'}]::text[]"

    def _measured(self) -> str:
        """The same where values that are not large may be too much together: the row is measured if one could be."""
        some = too_much([typed for _, typed in self._columns])
        careful = self._texts(lambda typed: large(typed, "w.indelible_width"))
        measured = f"(SELECT {careful} FROM (SELECT {self._width()} AS indelible_width OFFSET 0) w)"
        return f"CASE WHEN {some} THEN {measured} ELSE {self._texts(lambda _: 'false')} END"

    def select(self, source: str, more: str = "") -> str:
        """A query of the rows of `source`, each as `cells`."""
        return f"SELECT {self.cells()} AS cells{more} FROM {self.rows(source)}"

    def width(self) -> str:
        """About how many bytes the cells of a row `t` will have, without making them."""
        return f"(SELECT {self._width()} FROM (SELECT t.*) c)"

    def _width(self) -> str:
        return " + ".join(f"{width(typed)}::bigint" for _, typed in self._columns) or "0"

    def rows(self, source: str) -> str:
        """What to read `cells` from."""
        return f"{source} t, (SELECT {self._absent}) d{self._computing}"

    def _each(self, value: str) -> str:
        """One row that has `value` under the name of every column."""
        return ", ".join(f"{value} AS {name}" for name in self._names)

    def body(self, statements: str) -> str:
        """A function's body."""
        begin = TOLD if self.marked else ""
        return BODY.format(more=self._variables, statements=begin + statements)


def _read(typed: Mapping[str, TypedColumn], definition: Definition) -> list[TypedColumn]:
    """The columns that are written, and those that they are made from."""
    written = [typed[column.name] for column in definition.columns]
    return [*written, *(typed[name].plain() for each in written if each.computed for name in each.computed.bases)]


def _text(column: Column, typed: TypedColumn, terms: Terms, too_large: str) -> str:
    """A value as a text, or what stands in its place; behind the marker: that it is gone, or large."""
    marker, text = terms.marker, typed.text()
    marked = f"WHEN {too_large} THEN {marker} || {digest(typed)}"
    if column.guard:
        unlike = salted(text, terms.salt)
        marked += f" WHEN {text} = {marker} THEN {text} WHEN {found(column, text)} THEN '*' || {unlike}"
        return f"CASE {marked} ELSE '=' || {text} END"
    if column.mask:
        text = f"CASE WHEN {too_large} THEN {digest(typed)} ELSE {text} END"
        hidden = masked(column, text, salted(text, terms.salt), terms.secret)
        return f"CASE WHEN {text} = {marker} THEN {marker} ELSE {hidden} END"
    return text if too_large == "false" else f"CASE {marked} ELSE {text} END"
