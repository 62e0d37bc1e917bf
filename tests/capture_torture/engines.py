"""What the engines have in common: tables as they describe them, rows as they hold them, values as they spell them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.capture_torture.model import Change, Engine, Row

# What makes a PostgreSQL server spell a value the same way, whatever else the session asked for.
CANONICAL = (
    "SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, YMD'", "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'", "SET extra_float_digits = 1", "SET lc_monetary = 'C'",
)  # fmt: skip


@dataclass(frozen=True)
class Described:
    """A table as the database describes it."""

    name: str
    columns: Mapping[str, str]  # to their types
    key: tuple[str, ...]
    generated: Mapping[str, str]  # columns that nobody writes, to their expressions
    identity: frozenset[str] = frozenset()  # columns whose values the database draws

    def key_of(self, change: Change) -> tuple[Any, ...]:
        row = {**change.old, **change.new, **change.at}
        return tuple(row[column] for column in self.key)


Tables = Mapping[str, Described]
Held = dict[str, list[dict[str, Any]]]


def quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """A table outside the first schema is named `schema.table`."""
    return ".".join(quote(part) for part in table.split(".")) if "." in table else quote(table)


@contextmanager
def refused(error: type[Exception], sql: str) -> Iterator[None]:
    try:
        yield
    except error:
        return
    raise AssertionError(f"The database took what it must refuse: {sql}")


def canonical(value: Any, engine: Engine) -> Any:
    """As `held` gives it."""
    if engine == "sqlite":
        return int(value) if isinstance(value, bool) else value
    if value is None:
        return value
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"\\x{value.hex()}"
        case float():
            return _float(value)
        case Decimal():
            return str(value) if value.is_finite() else _float(float(value))
        case int():
            return str(value)
    return str(value)


def _float(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value).removesuffix(".0"))


def replay(before: Held, expected: Sequence[Change], tables: Tables, engine: Engine) -> Held:
    """What an auditor does with a log and a pencil. Fails where a change does not fit what is there."""
    rows = {name: list(held) for name, held in before.items()}
    for change in expected:
        table = rows[change.table]
        old, new = _spelled(change.old, engine), _spelled(change.new, engine)
        if change.operation != "create":
            key = _spelled({} if change.operation == "delete" else _before(change, tables[change.table]), engine)
            found = next(i for i, row in enumerate(table) if _holds(row, old | key))
            row = table.pop(found)
            new = row | new if change.operation == "update" else new
        if change.operation != "delete":
            table.append(new)
    return rows


def _before(change: Change, table: Described) -> Row:
    """The key of an updated row as it was."""
    return {column: change.old.get(column, change.at[column]) for column in table.key}


def _spelled(row: Row, engine: Engine) -> dict[str, Any]:
    return {column: canonical(value, engine) for column, value in row.items()}


def _holds(row: Row, part: Row) -> bool:
    return all(identical(row[column], value) for column, value in part.items())


def identical(one: Any, other: Any) -> bool:
    """1, 1.0 and '1' are three values, 0.0 and -0.0 two; NaN is itself."""
    return type(one) is type(other) and repr(one) == repr(other)


def same_rows(one: Held, other: Held) -> bool:
    def order(held: Held) -> dict[str, list[str]]:
        return {name: sorted(repr(sorted(row.items())) for row in rows) for name, rows in held.items()}

    return order(one) == order(other)
