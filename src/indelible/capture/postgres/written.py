"""How the rows of one table are written as arrays of texts: the SQL of it, from the table's definition."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from indelible.capture.context import NOBODY
from indelible.capture.definition import Column, Definition
from indelible.capture.postgres.computed import computing
from indelible.capture.postgres.describe import TypedColumn, gone, pins
from indelible.capture.postgres.names import SCHEMA, literal, quote
from indelible.capture.postgres.order import MARKED, TOLD
from indelible.capture.postgres.sizes import digest, large, may_be_too_much, over, share, width

# Nobody said who acts; or a request is served, and in it nobody has said yet.
UNCLAIMED = f"""(coalesce(current_setting('indelible.context', true), '') = ''
    OR starts_with(current_setting('indelible.context', true), {literal(NOBODY)}))"""
REFUSED = f"""IF {UNCLAIMED} THEN
    RAISE EXCEPTION 'indelible: nobody is said to make this change, and the table takes none such'
      USING HINT = 'Make it inside acting_as(...).';
  END IF;"""
# A text that nobody can know before it is used: each call of a trigger has its own, and puts it beside the rows.
MARKER = "indelible_marker"
ANYTHING = "concat(gen_random_uuid())"  # no cast: an application can make those
SECRET = f"(SELECT s.secret FROM {SCHEMA}.source s)"


class Terms(NamedTuple):
    """What the SQL calls what is not in the row."""

    marker: str
    salt: str = ANYTHING  # for rows that are compared with nothing of their statement
    secret: str = SECRET


IN_FUNCTION = Terms(MARKER, "indelible_salt", "indelible_secret")
BODY = """
#variable_conflict use_column
DECLARE
  indelible_size integer;
  indelible_old_chunks refcursor;
  indelible_new_chunks refcursor;
  indelible_old text[];
  indelible_new text[];
  indelible_marker text;
  indelible_salt text;
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
        self._columns = [(column, typed[column.name].found()) for column in definition.columns]
        found = [each for _, each in self._columns]
        self._computing = computing([each for each in found if each.computed], typed, terms.marker)
        self._share = share(found)
        self._wide = may_be_too_much(found)
        self._variables = MARKED if marked else ""
        # To run before what is not `only`: to draw a text takes as long as to insert a row.
        self.draw = f"{MARKER} := {ANYTHING};"
        if any(column.guard or column.mask == "redacted" for column in definition.columns):
            self.draw += f" indelible_salt := {ANYTHING};"
        if any(column.mask == "hashed" for column in definition.columns):
            self._variables += f"indelible_secret CONSTANT bytea := {SECRET};"
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
        some = " OR ".join(over(typed, self._share) for _, typed in self._columns if large(typed) != "false")
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

    def only(self, row: str, old: str | None = None) -> str:
        """An array of the only row of `row`, which `old` has as it was. No marker: see `plain`."""
        if self._computing:
            return "NULL::text[]"
        hide = _beside_old if old else _alone
        texts = ", ".join(_plain(column, typed.text(), hide) for column, typed in self._columns)
        was = f"{old} indelible_was, " if old else ""
        cells = f"(SELECT ARRAY[ARRAY[{texts or 'NULL'}]]::text[] FROM (SELECT t.*) c)"
        return f"(SELECT {cells} FROM {was}{row} t, (SELECT {self._each('NULL::text')}) d)"

    def plain(self, *rows: str) -> str:
        """The condition that nothing in these single rows takes a marker: no column is gone, no value is large.

        No column of a table can be a record. So what is found one level further out is told by its type. With a
        virtual column none is: it is not there to be named.
        """
        if self._computing:
            return "false"
        gone = " OR ".join(f"pg_typeof({name}) = 'record'::regtype" for name in self._names) or "false"
        there = f"SELECT (SELECT NOT ({gone}) FROM (SELECT t.*) c) FROM {rows[0]} t, (SELECT {self._each('ROW()')}) d"
        larger = " OR ".join(over(each, self._share) for _, each in self._columns if large(each) != "false")
        nothing = self._each("NULL::text")
        small = f"SELECT ({larger}) IS NOT TRUE FROM (SELECT t.*) c"
        each = [f"(SELECT ({small}) FROM {row} t, (SELECT {nothing}) d)" for row in rows if larger]
        return " AND ".join([f"({there})", *each])

    def _each(self, value: str) -> str:
        """One row that has `value` under the name of every column."""
        return ", ".join(f"{value} AS {name}" for name in self._names)

    def body(self, statements: str) -> str:
        """A function's body. The names in it cannot be those of columns, which are always qualified."""
        begin = TOLD if self.marked else ""
        return BODY.format(more=self._variables, statements=begin + statements)


def _read(typed: Mapping[str, TypedColumn], definition: Definition) -> list[TypedColumn]:
    """The columns that are written, and those that they are made from."""
    written = [typed[column.name] for column in definition.columns]
    return [*written, *(typed[name] for each in written if each.computed for name in each.computed.bases)]


def _alone(text: str) -> str:
    """Where it is held against nothing."""
    return f"CASE WHEN {text} IS NOT NULL THEN '0' END"


def _beside_old(text: str) -> str:
    """Where the row that it was is at hand. C: two texts that a collation calls equal may differ."""
    same = f"""({text}) COLLATE "C" = (SELECT {text} FROM (SELECT indelible_was.*) c)"""
    return f"CASE WHEN {text} IS NOT NULL THEN CASE WHEN {same} THEN '0' ELSE '1' END END"


def _plain(column: Column, text: str, hide: Callable[[str], str]) -> str:
    """A value as a text, or what stands in its place."""
    if column.guard:
        kinds = ", ".join(literal(kind) for kind in column.guard)
        found = f"{SCHEMA}.holds_secret({text}, ARRAY[{kinds}])"
        return f"CASE WHEN {found} THEN '*' || {hide(text)} ELSE '=' || {text} END"
    if column.mask:
        return hide(text) if column.mask == "redacted" else _masked(column, text, IN_FUNCTION)
    return text


def _text(column: Column, typed: TypedColumn, terms: Terms, too_large: str) -> str:
    """A value as a text, or what stands in its place; behind the marker: that it is gone, or large."""
    marker, text = terms.marker, typed.text()
    marked = f"WHEN {too_large} THEN {marker} || {digest(typed)}"
    if column.guard:
        kinds = ", ".join(literal(kind) for kind in column.guard)
        found = f"{SCHEMA}.holds_secret({text}, ARRAY[{kinds}])"
        marked += f" WHEN {text} = {marker} THEN {text} WHEN {found} THEN '*' || {_unlike(text, terms)}"
        return f"CASE {marked} ELSE '=' || {text} END"
    if column.mask:
        text = f"CASE WHEN {too_large} THEN {digest(typed)} ELSE {text} END"
        return f"CASE WHEN {text} = {marker} THEN {marker} ELSE {_masked(column, text, terms)} END"
    return text if too_large == "false" else f"CASE {marked} ELSE {text} END"


def _masked(column: Column, text: str, terms: Terms) -> str:
    if column.mask == "redacted":
        return _unlike(text, terms)
    inner = f"sha256({terms.secret} || {_bytes(text)})"
    return f"encode(sha256({terms.secret} || {inner}), 'hex')"


def _unlike(text: str, terms: Terms) -> str:
    """Equal within one statement where the values are, and never again."""
    return f"left(encode(sha256({_bytes(f'{terms.salt} || ({text})')}), 'hex'), 16)"


def _bytes(text: str) -> str:
    """As the database has them: not every letter of every encoding has another in UTF-8."""
    return f"convert_to({text}, getdatabaseencoding())"
