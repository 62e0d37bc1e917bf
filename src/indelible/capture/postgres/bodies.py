"""What the trigger functions do: a statement's rows become one outbox row, whatever their number and size.

Of what was tried, an array of all rows is the cheapest; of a single one its cells alone.
"""

from indelible.capture.postgres.describe import Relation
from indelible.capture.postgres.names import PREFIX, SCHEMA, literal
from indelible.capture.postgres.written import MARKER, UNCLAIMED, Written

MOST_ROWS = 1000  # of one outbox row
MOST_BYTES = 8 * 1024 * 1024  # likewise, unless a single row has more
WIDE = 64 * 1024  # a wider row takes the slow path, where rows are counted before they are gathered

PLACE = ", row_number() OVER () - 1 AS place"
SIDES = {"create": ("new",), "update": ("old", "new"), "delete": ("old",)}

CONTEXT = "nullif(current_setting('indelible.context', true), '')"
CLIENT = f"CASE WHEN {UNCLAIMED} THEN {SCHEMA}.client() END"


def by_row(operation: str, relation: Relation, watch: int, written: Written) -> str:
    # Named by its number, the table has a session's plans made anew once its columns are others.
    table = f"'{relation.oid}'::regclass IS NOT NULL"
    rows = {side: f"(SELECT {side.upper()}.* WHERE {table})" for side in SIDES[operation]}
    gathered = {side: f"({written.select(row)})" for side, row in rows.items()}
    return f"""{written.strict}
  {_one(operation, watch, written, rows)};
  IF NOT FOUND THEN
    {written.draw_marker} {written.draw_salt}
    {_insert(operation, watch, "1", {"marker": MARKER} | gathered, written)};
  END IF;"""


def by_statement(operation: str, watch: int, written: Written) -> str:
    """One row without counting: most statements change one. Others at once; where that is too much, in chunks."""
    sources = {side: f"indelible_{side}_rows" for side in SIDES[operation]}
    first = next(iter(sources.values()))
    return f"""{f"IF EXISTS (SELECT FROM {first}) THEN {written.strict} END IF;" if written.strict else ""}
  {_one(operation, watch, written, sources, more=f"(SELECT false FROM {first} LIMIT 1 OFFSET 1)")};
  IF NOT FOUND THEN
    IF NOT EXISTS (SELECT FROM {first}) THEN
      RETURN NULL;
    END IF;
    {written.draw_salt}
    {_many(operation, watch, written, sources)};
    IF NOT FOUND THEN
      {written.draw_marker}
      {in_chunks(operation, watch, written, sources)}
    END IF;
  END IF;"""


def _one(operation: str, watch: int, written: Written, sources: dict[str, str], more: str = "") -> str:
    """`more` is false where there are more rows than one: then none of them is read."""
    rows = {side: f"one.{side}" for side in sources}
    cells = ", ".join(f"{side}.indelible_cells AS {side}" for side in sources)
    first, *others = (f"{side}.indelible_small" for side in sources)
    small = " AND ".join([f"coalesce({more}, {first})" if more else first, *others])
    one = f"(SELECT {cells} FROM {written.at_once.one(sources)} WHERE {small}) one"
    return f"{_insert(operation, watch, '1', rows, written)} FROM {one}"


def _many(operation: str, watch: int, written: Written, sources: dict[str, str]) -> str:
    gathered = {side: f"{side}.gathered" for side in sources}
    sides = ", ".join(_gathered(side, source, written) for side, source in sources.items())
    fits = " AND ".join(f"{side}.fit AND {side}.width <= {MOST_BYTES}" for side in sources)
    insert = _insert(operation, watch, f"{next(iter(sources))}.count", gathered, written)
    return f"{insert} FROM {sides} WHERE {fits}"


def _gathered(side: str, source: str, written: Written) -> str:
    """One row: how many there are, whether none is too wide, and all of them. LIMIT makes it write each once."""
    fits = f"FILTER (WHERE w.width <= {WIDE})"
    return f"""(SELECT count(*)::integer AS count, sum(w.width) AS width, array_agg(w.cells) {fits} AS gathered,
        count(*) <= {MOST_ROWS} AND count(*) = count(*) {fits} AS fit
      FROM (SELECT v.cells, pg_column_size(v.cells) AS width FROM (
        SELECT each.indelible_cells AS cells FROM {written.at_once.many(source)} LIMIT {MOST_ROWS + 1}) v) w) {side}"""


def partitions_watched(root: Relation) -> str:
    """One that was added since is not written down as it is emptied: then nothing is emptied."""
    return f"""IF EXISTS (SELECT FROM pg_partition_tree({root.oid}) p WHERE p.isleaf AND NOT EXISTS (
      SELECT FROM pg_trigger g WHERE g.tgrelid = p.relid AND g.tgname = '{PREFIX}truncate')) THEN
    RAISE EXCEPTION 'indelible: a partition was added since this was watched; its rows would go unrecorded'
      USING HINT = 'Run indelible watch once more.';
  END IF;
  """


def in_chunks(operation: str, watch: int, written: Written, sources: dict[str, str]) -> str:
    """By two cursors in step: old and new rows come out of their tables in the order in which they went in."""
    widths = ", ".join(f"({_widest(written.select(source))})" for source in sources.values())
    opened = "\n    ".join(
        f"OPEN capture.{side}_chunks NO SCROLL FOR {_chunks(written.select(source, PLACE), 'capture.size')};"
        for side, source in sources.items()
    )
    return f"""SELECT {_size(widths)} INTO capture.size;
    {opened}
    {_each_chunk(operation, watch, list(sources), written)}"""


def emptied(watch: int, written: Written) -> str:
    """TRUNCATE, of the table itself or of any partition: the rows that it has go first. `$2` is the marker."""
    table = "ONLY indelible_this_table"
    widest = f"SELECT {_size('(' + _widest(written.select(table)) + ')')}"
    chunks = _chunks(written.select(table, PLACE), "$1")
    sized, opened = (
        f"EXECUTE format({literal(sql.replace('%', '%%').replace('indelible_this_table', '%s'))}, TG_RELID::regclass)"
        for sql in (widest, chunks)
    )
    return f"""{written.draw_marker} {written.draw_salt}
  {sized} INTO capture.size USING capture.size, {MARKER};
  OPEN capture.old_chunks NO SCROLL FOR {opened} USING capture.size, {MARKER};
  {_each_chunk("truncate", watch, ["old"], written)}"""


def _size(widths: str) -> str:
    """How many rows go into one chunk."""
    return f"greatest(1, least({MOST_ROWS}, {MOST_BYTES} / greatest(1, {widths})))"


def _widest(rows: str) -> str:
    return f"SELECT max(pg_column_size(v.cells)) FROM ({rows} OFFSET 0) v"


def _chunks(rows: str, size: str) -> str:
    return f"""SELECT array_agg(v.cells ORDER BY v.place) FROM ({rows}) v
      GROUP BY v.place / {size} ORDER BY v.place / {size}"""


def _each_chunk(operation: str, watch: int, sides: list[str], written: Written) -> str:
    fetched = " ".join(f"FETCH capture.{side}_chunks INTO capture.{side};" for side in sides)
    first = f"capture.{sides[0]}"
    rows = {side: f"capture.{side}" for side in sides}
    insert = _insert(operation, watch, f"array_length({first}, 1)", {"marker": MARKER} | rows, written)
    closed = " ".join(f"CLOSE capture.{side}_chunks;" for side in sides)
    return f"""LOOP
      {fetched}
      EXIT WHEN {first} IS NULL;
      {insert};
    END LOOP;
    {closed}"""


def _insert(operation: str, watch: int, count: str, told: dict[str, str], written: Written) -> str:
    """A query without variables is planned once in a session; one that has some, anew for each of its first runs."""
    values = {"watch": str(watch), "operation": f"'{operation}'", "context": CONTEXT, "client": CLIENT}
    values |= {"rows": count} | told
    if written.marked:
        values["began"] = "capture.began"
    return f"INSERT INTO {SCHEMA}.outbox ({', '.join(values)}) SELECT {', '.join(values.values())}"
