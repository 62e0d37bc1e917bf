"""How the rows of one table are written as arrays of texts: the SQL of it, from the table's definition."""

from collections.abc import Sequence

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
BODY = """
#variable_conflict use_column
DECLARE
  indelible_size integer;
  indelible_old_chunks refcursor;
  indelible_new_chunks refcursor;
  indelible_old text[];
  indelible_new text[];
  {salt}{secret}
BEGIN
  {statements}
  RETURN NULL;
END """


class Written:
    """How the columns are written."""

    def __init__(self, definition: Definition, columns: Sequence[TypedColumn]) -> None:
        typed = {each.column.name: each for each in columns}
        self._columns = [(column, typed[column.name]) for column in definition.columns]
        self._salted = any(column.guard or column.mask == "redacted" for column in definition.columns)
        self._hashed = any(column.mask == "hashed" for column in definition.columns)
        self.settings = ["search_path = pg_catalog, pg_temp", *pins([each for _, each in self._columns])]
        self.strict = REFUSED if definition.strict else ""
        self._gone = literal(definition.gone)
        self._absent = ", ".join(f"{self._gone}::text AS {quote(column.name)}" for column in definition.columns)

    def cells(self) -> str:
        """A row `t` as an array of texts.

        A column that was dropped or renamed since is found one level further out, as the text that says so: the
        application's writes go on, and `coverage` tells what is no longer seen.
        """
        texts = ", ".join(_text(column, typed.text(), self._gone) for column, typed in self._columns)
        return f"(SELECT ARRAY[{texts}]::text[] FROM (SELECT t.*) c)"

    def select(self, source: str, more: str = "") -> str:
        """A query of the rows of `source`, each as `cells`."""
        return f"SELECT {self.cells()} AS cells{more} FROM {self.rows(source)}"

    def rows(self, source: str) -> str:
        """What to read `cells` from."""
        return f"{source} t, (SELECT {self._absent}) d"

    def cells_at_once(self) -> str:
        """The same outside a function, for rows that are compared with nothing of their statement."""
        cells = self.cells().replace("indelible_salt", "gen_random_uuid()::text")
        return cells.replace("indelible_secret", f"(SELECT s.secret FROM {SCHEMA}.source s)")

    def select_at_once(self, source: str, more: str = "") -> str:
        return f"SELECT {self.cells_at_once()} AS cells{more} FROM {self.rows(source)}"

    def body(self, statements: str) -> str:
        """A function's body. The names in it cannot be those of columns, which are always qualified."""
        salt = "indelible_salt CONSTANT text := gen_random_uuid()::text;" if self._salted else ""
        secret = f"indelible_secret CONSTANT bytea := (SELECT s.secret FROM {SCHEMA}.source s);"
        return BODY.format(salt=salt, secret=secret if self._hashed else "", statements=statements)


def _text(column: Column, text: str, gone: str) -> str:
    if not column.mask and not column.guard:
        return text
    # Equal within one statement where the values are, and never again.
    unlike = f"left(encode(sha256(convert_to(indelible_salt || ({text}), 'UTF8')), 'hex'), 16)"
    if column.guard:
        kinds = ", ".join(literal(kind) for kind in column.guard)
        found = f"{SCHEMA}.holds_secret({text}, ARRAY[{kinds}])"
        return f"CASE WHEN {text} = {gone} THEN {gone} WHEN {found} THEN '*' || {unlike} ELSE '=' || {text} END"
    if column.mask == "hashed":
        inner = f"sha256(indelible_secret || convert_to({text}, 'UTF8'))"
        unlike = f"encode(sha256(indelible_secret || {inner}), 'hex')"
    return f"CASE WHEN {text} = {gone} THEN {gone} ELSE {unlike} END"
