"""The triggers of one table, generated from its definition.

Each writes one outbox row with the values as they are (columns without a type convert nothing), so no value can
make a user's write fail. The bodies use built-in functions only: any client's shell runs them. Identifiers are
quoted; nothing else of the schema reaches the SQL.
"""

from indelible.capture.definition import Column, Definition
from indelible.capture.sqlite.names import PREFIX, quote


def triggers(definition: Definition, watch: int) -> dict[str, str]:
    """Name to statement, for create, update and delete."""
    table, columns = definition.table, definition.columns
    # Null-safe: `!=` would miss every change from or to NULL. Binary: NOCASE would miss Dana -> dana.
    changed = " OR ".join(f"OLD.{quote(c.name)} IS NOT NEW.{quote(c.name)} COLLATE BINARY" for c in columns) or "0"
    news = {f"n{i}": _value("NEW", c) for i, c in enumerate(columns)}
    olds = {f"o{i}": _value("OLD", c) for i, c in enumerate(columns)}
    both = {f"n{i}": _new_value(c) for i, c in enumerate(columns)} | olds
    spec = {
        "create": ("AFTER INSERT", "", news),
        "update": ("AFTER UPDATE", f"WHEN {changed} ", both),
        "delete": ("AFTER DELETE", "", olds),
    }
    return {
        f"{PREFIX}{operation}_{table}": (
            f"CREATE TRIGGER {quote(f'{PREFIX}{operation}_{table}')} {event} ON {quote(table)} FOR EACH ROW {when}"
            f"BEGIN {_insert(operation, watch, values)}; END"
        )
        for operation, (event, when, values) in spec.items()
    }


def _insert(operation: str, watch: int, values: dict[str, str]) -> str:
    """No conflict clause: the user's own (`INSERT OR IGNORE ...`) would override it, and nothing can conflict."""
    columns = ", ".join(["token", "watch", "operation", "at", *values])
    row = ", ".join(["random()", str(watch), f"'{operation}'", "julianday('now')", *values.values()])
    return f"INSERT INTO indelible_outbox ({columns}) VALUES ({row})"


def _value(row: str, column: Column) -> str:
    """A redacted value never leaves the table: NULL stays NULL, all else becomes 0."""
    name = f"{row}.{quote(column.name)}"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE 0 END" if column.mask else name


def _new_value(column: Column) -> str:
    """After an update a redacted value is 1 if it changed, so that the change itself is seen."""
    if not column.mask:
        return _value("NEW", column)
    new, old = f"NEW.{quote(column.name)}", f"OLD.{quote(column.name)}"
    return f"CASE WHEN {new} IS NULL THEN NULL WHEN {new} IS {old} COLLATE BINARY THEN 0 ELSE 1 END"
