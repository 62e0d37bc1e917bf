"""The trigger functions of one table, generated from its definition.

A statement becomes one outbox row that holds all its rows, as arrays of texts: of what was tried, the cheapest for
one row and for a thousand. Names are quoted; nothing else of the schema reaches the SQL, but for the expressions
of virtual columns, as PostgreSQL deparses them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from indelible.capture.definition import Column, Definition
from indelible.capture.postgres.describe import Relation, TypedColumn, pins
from indelible.capture.postgres.names import PREFIX, SCHEMA, quote

MOST_ROWS = 1000  # of one outbox row
MOST_BYTES = 8 * 1024 * 1024  # likewise, unless a single row has more
WIDE = 64 * 1024  # a wider row takes the slow path, where rows are counted before they are gathered

OPERATIONS = {"create": ("INSERT", 4), "update": ("UPDATE", 16), "delete": ("DELETE", 8)}
SIDES = {"create": ("new",), "update": ("old", "new"), "delete": ("old",)}

CONTEXT = "nullif(current_setting('indelible.context', true), '')"
CLIENT = """CASE WHEN coalesce(current_setting('indelible.context', true), '') = '' THEN
    json_build_object('user', session_user, 'role', nullif(current_setting('role'), 'none'), 'application',
      nullif(current_setting('application_name'), ''), 'address', host(inet_client_addr()))::text END"""
UNCLAIMED = """IF coalesce(current_setting('indelible.context', true), '') = '' THEN
    RAISE EXCEPTION 'indelible: nobody is said to make this change, and the table takes none such'
      USING HINT = 'Make it inside acting_as(...).';
  END IF;"""


class Trigger(NamedTuple):
    """A trigger of a table, and the function of its own that it runs."""

    name: str
    kind: int  # pg_trigger.tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate
    when: str
    rest: str
    function: str
    settings: list[str]
    body: str

    def create_function(self) -> str:
        settings = "".join(f" SET {setting}" for setting in self.settings)
        return (
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.{quote(self.function)}() RETURNS trigger LANGUAGE plpgsql "
            f"SECURITY DEFINER{settings} AS $indelible${self.body}$indelible$"
        )

    def create_trigger(self, table: str) -> str:
        return (
            f"CREATE TRIGGER {self.name} {self.when} ON {table}{self.rest} "
            f"EXECUTE FUNCTION {SCHEMA}.{quote(self.function)}()"
        )


def triggers(definition: Definition, relation: Relation, columns: Sequence[TypedColumn], watch: int) -> list[Trigger]:
    """For create, update and delete, and for TRUNCATE."""
    written = _Written(definition, columns)
    make = _row_trigger if relation.by_row else _statement_trigger
    made = [make(operation, relation, written, watch) for operation in OPERATIONS]
    return [*made, truncation(definition, relation, columns, watch)]


def truncation(definition: Definition, relation: Relation, columns: Sequence[TypedColumn], watch: int) -> Trigger:
    """For a table, a root, or one partition by the definition of its root: row triggers it has from there."""
    written = _Written(definition, columns)
    body = _partitions_watched(relation) if relation.partitioned else ""
    body += written.strict + "\n  " + _in_chunks("truncate", watch, written, {"old": f"ONLY {relation.quoted}"})
    settings = [*written.settings, "row_security = off"]  # all rows, or an error
    function = f"capture_{relation.oid}_truncate"
    rest = " FOR EACH STATEMENT"
    return Trigger(f"{PREFIX}truncate", 2 + 32, "BEFORE TRUNCATE", rest, function, settings, written.body(body))


def _row_trigger(operation: str, relation: Relation, written: "_Written", watch: int) -> Trigger:
    return _trigger(operation, relation, written, _by_row(operation, watch, written))


def _statement_trigger(operation: str, relation: Relation, written: "_Written", watch: int) -> Trigger:
    return _trigger(operation, relation, written, _by_statement(operation, watch, written))


def _trigger(operation: str, relation: Relation, written: "_Written", statements: str) -> Trigger:
    verb, kind = OPERATIONS[operation]
    tables = "".join(f" {side.upper()} TABLE AS indelible_{side}_rows" for side in SIDES[operation])
    return Trigger(
        name=f"{PREFIX}{operation}",
        kind=kind + relation.by_row,
        when=f"AFTER {verb}",
        rest=" FOR EACH ROW" if relation.by_row else f" REFERENCING{tables} FOR EACH STATEMENT",
        function=f"capture_{relation.oid}_{operation}",
        settings=written.settings,
        body=written.body(statements),
    )


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


class _Written:
    """How the columns are written."""

    def __init__(self, definition: Definition, columns: Sequence[TypedColumn]) -> None:
        typed = {each.column.name: each for each in columns}
        self._columns = [(column, typed[column.name]) for column in definition.columns]
        self._masks = {column.mask for column in definition.columns}
        self.settings = ["search_path = pg_catalog, pg_temp", *pins([each for _, each in self._columns])]
        self.strict = UNCLAIMED if definition.strict else ""
        self.stored = [quote(each.column.name) for each in columns if not each.computed]

    def cells(self) -> str:
        """A row `t` as an array of texts."""
        return f"ARRAY[{', '.join(_text(column, typed.text('t')) for column, typed in self._columns)}]::text[]"

    def body(self, statements: str) -> str:
        """A function's body. The names in it cannot be those of columns, which are always qualified."""
        salt = "indelible_salt CONSTANT text := gen_random_uuid()::text;" if "redacted" in self._masks else ""
        secret = f"indelible_secret CONSTANT bytea := (SELECT s.secret FROM {SCHEMA}.source s);"
        return BODY.format(salt=salt, secret=secret if "hashed" in self._masks else "", statements=statements)


def _text(column: Column, text: str) -> str:
    if column.mask == "redacted":  # equal within one statement where the values are, and never again
        return f"left(encode(sha256(convert_to(indelible_salt || ({text}), 'UTF8')), 'hex'), 16)"
    if column.mask == "hashed":
        inner = f"sha256(indelible_secret || convert_to({text}, 'UTF8'))"
        return f"encode(sha256(indelible_secret || {inner}), 'hex')"
    return text


def _by_row(operation: str, watch: int, written: _Written) -> str:
    gathered = {}
    for side in SIDES[operation]:
        stored = ", ".join(f"{side.upper()}.{name} AS {name}" for name in written.stored)
        gathered[side] = f"(SELECT ARRAY[{written.cells()}] FROM (SELECT {stored}) t)"
    return f"{written.strict}\n  {_insert(operation, watch, '1', gathered)};"


def _by_statement(operation: str, watch: int, written: _Written) -> str:
    """All rows of the statement at once; where that is too much, in chunks."""
    sides = SIDES[operation]
    first = f"indelible_{sides[0]}_rows"
    fits = " AND ".join(f"{side}_side.widest <= {WIDE} AND {side}_side.width <= {MOST_BYTES}" for side in sides)
    rows = {side: f"{side}_side.gathered" for side in sides}
    return f"""{f"IF EXISTS (SELECT FROM {first}) THEN {written.strict} END IF;" if written.strict else ""}
  {_insert(operation, watch, f"{sides[0]}_side.count", rows)}
    FROM {", ".join(_gathered(side, written) for side in sides)}
    WHERE {sides[0]}_side.count BETWEEN 1 AND {MOST_ROWS} AND {fits};
  IF NOT FOUND AND EXISTS (SELECT FROM {first}) THEN
    {_in_chunks(operation, watch, written, {side: f"indelible_{side}_rows" for side in sides})}
  END IF;"""


def _gathered(side: str, written: _Written) -> str:
    """One row: how many there are, how wide they are, and all that are not too wide. LIMIT makes it write each once."""
    return f"""(SELECT count(*)::integer AS count, max(w.width) AS widest, sum(w.width) AS width,
         array_agg(w.cells) FILTER (WHERE w.width <= {WIDE}) AS gathered
       FROM (SELECT v.cells, pg_column_size(v.cells) AS width
             FROM (SELECT {written.cells()} AS cells FROM indelible_{side}_rows t LIMIT {MOST_ROWS + 1}) v
       ) w) {side}_side"""


def _partitions_watched(root: Relation) -> str:
    """One that was added since is not written down as it is emptied: then nothing is emptied."""
    return f"""IF EXISTS (SELECT FROM pg_partition_tree({root.oid}) p WHERE p.isleaf AND NOT EXISTS (
      SELECT FROM pg_trigger g WHERE g.tgrelid = p.relid AND g.tgname = '{PREFIX}truncate')) THEN
    RAISE EXCEPTION 'indelible: a partition was added since this was watched; its rows would go unrecorded'
      USING HINT = 'Run indelible watch once more.';
  END IF;
  """


def _in_chunks(operation: str, watch: int, written: _Written, sources: dict[str, str]) -> str:
    """By two cursors in step: old and new rows come out of their tables in the order in which they went in."""
    widths = ", ".join(
        f"(SELECT max(pg_column_size(v.cells)) FROM (SELECT {written.cells()} AS cells FROM {source} t OFFSET 0) v)"
        for source in sources.values()
    )
    opened = "\n    ".join(
        f"""OPEN indelible_{side}_chunks NO SCROLL FOR
      SELECT array_agg(v.cells ORDER BY v.place) FROM (
        SELECT {written.cells()} AS cells, row_number() OVER () - 1 AS place FROM {source} t) v
      GROUP BY v.place / indelible_size ORDER BY v.place / indelible_size;"""
        for side, source in sources.items()
    )
    fetched = " ".join(f"FETCH indelible_{side}_chunks INTO indelible_{side};" for side in sources)
    first = f"indelible_{next(iter(sources))}"
    insert = _insert(operation, watch, f"array_length({first}, 1)", {side: f"indelible_{side}" for side in sources})
    closed = " ".join(f"CLOSE indelible_{side}_chunks;" for side in sources)
    return f"""SELECT greatest(1, least({MOST_ROWS}, {MOST_BYTES} / greatest(1, {widths}))) INTO indelible_size;
    {opened}
    LOOP
      {fetched}
      EXIT WHEN {first} IS NULL;
      {insert};
    END LOOP;
    {closed}"""


def _insert(operation: str, watch: int, count: str, sides: dict[str, str]) -> str:
    columns = ", ".join(["watch", "operation", "context", "client", "rows", *sides])
    values = ", ".join([str(watch), f"'{operation}'", CONTEXT, CLIENT, count, *sides.values()])
    return f"INSERT INTO {SCHEMA}.outbox ({columns}) SELECT {values}"
