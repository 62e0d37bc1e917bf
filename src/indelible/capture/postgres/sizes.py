"""How large a value is as text. PostgreSQL has at most 1 GB for all texts of an outbox row, old ones and new ones.

A value over LARGE is written as its size and hash; of a row over ROW, each over SOME. So a row has at most ROW and
what is not counted in it: 200 MB, twice where bytes are, which are written as hexadecimal digits.
"""

from collections.abc import Iterable, Sequence

from indelible.capture.postgres.describe import KINDS, TypedColumn
from indelible.capture.postgres.names import SCHEMA

LARGE = 64 * 1024 * 1024
ROW = 200 * 1024 * 1024
SOME = 128 * 1024  # so many for each of the 1,600 columns that a table can have
# In a table. What is smaller is not made a text of to measure it, though that may have 90 MB: 12 bytes of 1e131071 in
# an array are 131 KB of text.
COMPACT = 8 * 1024
# Types of which no value is large, written as text.
SMALL = {
    *KINDS, "time", "timetz", "interval", "uuid", "money", "name", "inet", "cidr",
    "macaddr", "macaddr8", "point", "line", "lseg", "box", "circle", "xid", "xid8", "tid", "pg_lsn",
} - {"bytea"}  # fmt: skip


def digest(column: TypedColumn) -> str:
    """What stands for a large value: its size and SHA-256."""
    return f"{SCHEMA}.digest{'' if _direct(column) else '_of'}({column.value})"


def large(column: TypedColumn, width: str = "") -> str:
    """The SQL condition that it is. `width` is that of its row, where that may be too much."""
    if _small(column):
        return "false"
    return over(column, LARGE) + (f" OR {width} > {ROW} AND {over(column, SOME)}" if width else "")


def over(column: TypedColumn, limit: int) -> str:
    """The SQL condition that it has more bytes. Cheap for what has not, and for text and bytes whatever they have."""
    measured = f"{_octets(column)} > {limit}"
    return measured if _direct(column) else f"{_bulky(column)} AND {measured}"


def width(column: TypedColumn) -> str:
    """The bytes that it will have in the outbox, about: a large one none."""
    if _small(column):
        return f"coalesce(pg_column_size({column.value}), 0)"
    octets = f"coalesce(nullif(least({_octets(column)}, {LARGE + 1}), {LARGE + 1}), 0)"
    if _direct(column):
        return f"{octets} * {_weight(column)}"
    return f"CASE WHEN {_bulky(column)} THEN {octets} ELSE coalesce(pg_column_size({column.value}), 0) END"


def may_be_too_much(columns: Iterable[TypedColumn]) -> bool:
    """Whether a row may have too much without that one of its values is large."""
    return sum(map(_weight, columns)) * LARGE > ROW


def too_much(columns: Sequence[TypedColumn]) -> str:
    """The SQL condition that a row may have too much, told from each of its values; empty where none ever has."""
    limit = min(LARGE, ROW // max(1, sum(map(_weight, columns))))
    direct = [_octets(column) for column in columns if _direct(column)]
    others = [over(column, limit) for column in columns if not _direct(column) and not _small(column)]
    return " OR ".join([*([f"greatest({', '.join(direct)}) > {limit}"] if direct else []), *others])


def held(column: TypedColumn) -> str:
    """The bytes that it has in a row, about."""
    return f"coalesce({_octets(column) if _direct(column) else f'pg_column_size({column.value})'}, 0)"


def _octets(column: TypedColumn) -> str:
    return f"{SCHEMA}.octets{'' if _direct(column) else '_of'}({column.value})"


def _bulky(column: TypedColumn) -> str:
    """Where it is compressed, its size says little: compression makes nothing 255 times as small."""
    size = f"pg_column_size({column.value})"
    if not column.arrays:
        return f"{size} > {COMPACT}"
    compressed = (
        f"pg_column_compression({column.value}) IS NOT NULL AND pg_column_size(ARRAY[{column.value}]) > {COMPACT}"
    )
    return f"{size} > {COMPACT // 256} AND ({size} > {COMPACT} OR {compressed})"


def _weight(column: TypedColumn) -> int:
    return 0 if _small(column) else 2 if column.type == "bytea" else 1


def _small(column: TypedColumn) -> bool:
    return column.builtin and column.type in SMALL


def _direct(column: TypedColumn) -> bool:
    """Its size is known without making a text of it."""
    return column.builtin and column.type in ("text", "varchar", "bytea")
