"""How the rows of one table are written as arrays of texts: the SQL of it, from the table's definition."""

from collections.abc import Callable, Sequence

from indelible.capture.context import NOBODY
from indelible.capture.definition import Column, Definition
from indelible.capture.postgres.describe import TypedColumn, pins
from indelible.capture.postgres.names import SCHEMA, literal, quote

# Nobody said who acts; or a request is served, and in it nobody has said yet.
UNCLAIMED = f"""(coalesce(current_setting('indelible.context', true), '') = ''
    OR starts_with(current_setting('indelible.context', true), {literal(NOBODY)}))"""
REFUSED = f"""IF {UNCLAIMED} THEN
    RAISE EXCEPTION 'indelible: nobody is said to make this change, and the table takes none such'
      USING HINT = 'Make it inside acting_as(...).';
  END IF;"""
# A text that nobody can know before it is used: each call of a trigger that needs one draws its own, and puts it beside
# the rows.
MARKER = "indelible_marker"
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
  {secret}
BEGIN
  {statements}
  RETURN NULL;
END """

Hide = Callable[[str], str]  # from the SQL of a text to that of what stands in its place; NULL stays NULL


def alone(text: str) -> str:
    """Where it is held against nothing."""
    return f"CASE WHEN {text} IS NOT NULL THEN '0' END"


def salted(text: str) -> str:
    """Equal within one statement where the values are, and never again."""
    return f"left(encode(sha256(convert_to(indelible_salt || ({text}), 'UTF8')), 'hex'), 16)"


def _beside_old(text: str) -> str:
    """Where the row that it was is at hand. C: two texts that a collation calls equal may differ."""
    same = f"""({text}) COLLATE "C" = (SELECT {text} FROM (SELECT indelible_was.*) c)"""
    return f"CASE WHEN {text} IS NOT NULL THEN CASE WHEN {same} THEN '0' ELSE '1' END END"


class Written:
    """How the columns are written."""

    def __init__(self, definition: Definition, columns: Sequence[TypedColumn]) -> None:
        typed = {each.column.name: each for each in columns}
        self._columns = [(column, typed[column.name]) for column in definition.columns]
        redacted = any(column.guard or column.mask == "redacted" for column in definition.columns)
        # To run before what is not `only`. To draw one takes as long as to insert a row.
        self.draw = f"{MARKER} := gen_random_uuid()::text;"
        self.salt = "indelible_salt := gen_random_uuid()::text;" if redacted else ""
        self._hashed = any(column.mask == "hashed" for column in definition.columns)
        self.settings = ["search_path = pg_catalog, pg_temp", *pins([each for _, each in self._columns])]
        self.strict = REFUSED if definition.strict else ""
        self._names = [quote(column.name) for column in definition.columns]
        self._absent = ", ".join(f"{MARKER}::text AS {name}" for name in self._names)

    def cells(self, hide: Hide) -> str:
        """A row `t` as an array of texts.

        A column that was dropped or renamed since is found one level further out, as the marker: the application's
        writes go on, and `coverage` tells what is no longer seen.
        """
        texts = ", ".join(_text(column, typed, hide) for column, typed in self._columns)
        return f"(SELECT ARRAY[{texts}]::text[] FROM (SELECT t.*) c)"

    def select(self, source: str, hide: Hide, more: str = "") -> str:
        """A query of the rows of `source`, each as `cells`."""
        return f"SELECT {self.cells(hide)} AS cells{more} FROM {self.rows(source)}"

    def rows(self, source: str) -> str:
        """What to read `cells` from."""
        return f"{source} t, (SELECT {self._absent}) d"

    def only(self, row: str, old: str | None = None) -> str:
        """An array of the only row of `row`, which `old` has as it was. No marker: see `plain`."""
        hide = _beside_old if old else alone
        texts = ", ".join(_plain(column, typed.text(), hide) for column, typed in self._columns)
        was = f"{old} indelible_was, " if old else ""
        none = ", ".join(f"NULL::text AS {name}" for name in self._names)
        cells = f"(SELECT ARRAY[ARRAY[{texts}]]::text[] FROM (SELECT t.*) c)"
        return f"(SELECT {cells} FROM {was}{row} t, (SELECT {none}) d)"

    def plain(self, *rows: str) -> str:
        """The condition that nothing in these single rows takes a marker: no column is gone, no value is large.

        No column of a table can be a record. So what is found one level further out is told by its type.
        """
        records = ", ".join(f"ROW() AS {name}" for name in self._names)
        named = [quote(column.name) for column, typed in self._columns if not typed.computed]  # those may not be named
        gone = " OR ".join(f"pg_typeof({name}) = 'record'::regtype" for name in named) or "false"
        there = f"(SELECT NOT ({gone}) FROM (SELECT t.*) c) FROM {rows[0]} t, (SELECT {records}) d"
        large = " OR ".join(large for _, each in self._columns if (large := each.large()) != "false")
        nothing = ", ".join(f"NULL::text AS {name}" for name in self._names)
        small = [
            f"(SELECT (SELECT ({large}) IS NOT TRUE FROM (SELECT t.*) c) FROM {row} t, (SELECT {nothing}) d)"
            for row in rows
            if large
        ]
        return " AND ".join([f"(SELECT {there})", *small])

    def cells_at_once(self, marker: str) -> str:
        """The same outside a function, for rows that are compared with nothing of their statement."""
        cells = self.cells(alone).replace(MARKER, marker)
        return cells.replace("indelible_secret", f"(SELECT s.secret FROM {SCHEMA}.source s)")

    def select_at_once(self, source: str, marker: str, more: str = "") -> str:
        return f"SELECT {self.cells_at_once(marker)} AS cells{more} FROM {self.rows(source).replace(MARKER, marker)}"

    def body(self, statements: str) -> str:
        """A function's body. The names in it cannot be those of columns, which are always qualified."""
        secret = f"indelible_secret CONSTANT bytea := (SELECT s.secret FROM {SCHEMA}.source s);"
        return BODY.format(secret=secret if self._hashed else "", statements=statements)


def _plain(column: Column, text: str, hide: Hide) -> str:
    """A value as a text, or what stands in its place."""
    if column.guard:
        kinds = ", ".join(literal(kind) for kind in column.guard)
        return (
            f"CASE WHEN {SCHEMA}.holds_secret({text}, ARRAY[{kinds}]) THEN '*' || {hide(text)} ELSE '=' || {text} END"
        )
    if column.mask:
        return hide(text) if column.mask == "redacted" else _hashed(text)
    return text


def _text(column: Column, typed: TypedColumn, hide: Hide) -> str:
    """A value as a text, or what stands in its place; behind the marker: that it is gone, or large."""
    text = typed.text()
    marked = f"WHEN {typed.large()} THEN {MARKER} || {typed.digest()}"
    if column.guard:
        kinds = ", ".join(literal(kind) for kind in column.guard)
        found = f"{SCHEMA}.holds_secret({text}, ARRAY[{kinds}])"
        marked += f" WHEN {text} = {MARKER} THEN {text} WHEN {found} THEN '*' || {hide(text)}"
        return f"CASE {marked} ELSE '=' || {text} END"
    if column.mask:
        text = f"CASE WHEN {typed.large()} THEN {typed.digest()} ELSE {text} END"
        hidden = hide(text) if column.mask == "redacted" else _hashed(text)
        return f"CASE WHEN {text} = {MARKER} THEN {MARKER} ELSE {hidden} END"
    return text if typed.large() == "false" else f"CASE {marked} ELSE {text} END"


def _hashed(text: str) -> str:
    inner = f"sha256(indelible_secret || convert_to({text}, 'UTF8'))"
    return f"encode(sha256(indelible_secret || {inner}), 'hex')"
