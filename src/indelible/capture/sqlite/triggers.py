"""The triggers of one table, generated from its definition.

Each writes one outbox row with the values as they are (columns without a type convert nothing), so no value can
make a user's write fail. The bodies use built-in functions only: any client's shell runs them. Identifiers are
quoted; nothing else of the schema reaches the SQL but the expressions of its own indexes.
"""

from indelible.capture.definition import Column, Definition
from indelible.capture.sqlite.evict import Evictions
from indelible.capture.sqlite.names import PREFIX, quote
from indelible.capture.sqlite.shape import Shape
from indelible.capture.sqlite.strict import REFUSE

Spec = tuple[str, str, list[str]]  # when, on which condition, what


def triggers(definition: Definition, watch: int, shape: Shape) -> dict[str, str]:
    """Name to statement."""
    table, columns = quote(definition.table), definition.columns
    evict = Evictions(table, watch, shape, lambda row: {f"o{i}": _value(row, c) for i, c in enumerate(columns)})
    plain = _plain(watch, columns, evict.olds("OLD"), [REFUSE] if definition.strict else [])
    secret = {column.name for column in columns if column.mask}
    # What tells a staged row from others stands there as it is; a secret may not.
    stages = secret.isdisjoint(name for name, _ in shape.key)
    return {
        f"{PREFIX}{name}_{definition.table}": (
            f"CREATE TRIGGER {quote(f'{PREFIX}{name}_{definition.table}')} {event} ON {table} FOR EACH ROW "
            f"{f'WHEN {when} ' if when else ''}BEGIN {'; '.join(body)}; END"
        )
        for name, (event, when, body) in (_with_evictions(plain, evict) if stages else plain).items()
    }


def _plain(watch: int, columns: list[Column], olds: dict[str, str], first: list[str]) -> dict[str, Spec]:
    changed = " OR ".join(map(_differs, columns)) or "0"
    news = {f"n{i}": _value("NEW", c) for i, c in enumerate(columns)}
    both = {f"n{i}": _new_value(c) for i, c in enumerate(columns)} | olds
    return {
        "create": ("AFTER INSERT", "", [*first, _insert("create", watch, news)]),
        "update": ("AFTER UPDATE", changed, [*first, _insert("update", watch, both)]),
        "delete": ("AFTER DELETE", "", [*first, _insert("delete", watch, olds)]),
    }


def _with_evictions(plain: dict[str, Spec], evict: Evictions) -> dict[str, Spec]:
    (_, _, create), (_, changed, update), (_, _, delete) = plain.values()
    sets_unique, gone = evict.sets_unique(), evict.record("update")
    meanwhile = [evict.changed_meanwhile(), evict.clear("update")]
    return {
        "inserting": ("BEFORE INSERT", evict.in_the_way(), evict.stage("insert")),
        "create": ("AFTER INSERT", "", [evict.record("insert"), *create, evict.clear("insert")]),
        "updating": (f"BEFORE UPDATE{sets_unique}", evict.in_the_way("OLD"), evict.stage("update", "OLD")),
        "update": ("AFTER UPDATE", changed, [gone, *update, *meanwhile]),
        # It changed in nothing that is recorded, and can have evicted another all the same.
        "moved": (f"AFTER UPDATE{sets_unique}", f"NOT ({changed})", [gone, *meanwhile]),
        "delete": ("AFTER DELETE", "", [*delete, evict.deleted_meanwhile()]),
    }


def _insert(operation: str, watch: int, values: dict[str, str]) -> str:
    """No conflict clause: the user's own (`INSERT OR IGNORE ...`) would override it, and nothing can conflict."""
    row = {"token": "random()", "watch": str(watch), "operation": f"'{operation}'", "at": "julianday('now')"} | values
    return f"INSERT INTO {PREFIX}outbox ({', '.join(row)}) SELECT {', '.join(row.values())}"


def _value(row: str, column: Column) -> str:
    """A redacted value never leaves the table: NULL stays NULL, all else becomes 0."""
    name = f"{row}.{quote(column.name)}"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE 0 END" if column.mask else name


def _new_value(column: Column) -> str:
    """After an update a redacted value is 1 if it changed, so that the change itself is seen."""
    if not column.mask:
        return _value("NEW", column)
    return f"CASE WHEN NEW.{quote(column.name)} IS NULL THEN NULL ELSE {_differs(column)} END"


def _differs(column: Column) -> str:
    """Null-safe: `!=` would miss every change from or to NULL. Binary: NOCASE would miss Dana -> dana."""
    old, new = f"OLD.{quote(column.name)}", f"NEW.{quote(column.name)}"
    differs = f"{old} IS NOT {new} COLLATE BINARY"
    # 1 and 1.0 are two values; only a column without a type can hold both.
    return f"({differs} OR typeof({old}) IS NOT typeof({new}))" if column.kind == "any" else differs
