"""The triggers of one table, generated from its definition.

Each writes one outbox row with the values as they are (columns without a type convert nothing), so no value can
make a user's write fail. The bodies use built-in functions only: any client's shell runs them. Identifiers are
quoted; nothing else of the schema reaches the SQL but the expressions of its own indexes.
"""

from indelible.capture.definition import Definition
from indelible.capture.sqlite.cells import Cells, cells, differs, selected, updated
from indelible.capture.sqlite.evict import Evictions
from indelible.capture.sqlite.names import PREFIX, held, quote
from indelible.capture.sqlite.shape import Shape
from indelible.capture.sqlite.strict import REFUSE

Spec = tuple[str, str, list[str]]  # when, on which condition, what


def triggers(definition: Definition, watch: int, shape: Shape) -> dict[str, str]:
    """Name to statement."""
    table, plain = quote(definition.table), _plain(definition, watch)
    evict = Evictions(*held(definition.table), watch, shape, lambda row: cells(definition, "o", row))
    secret = {column.name for column in definition.columns if column.mask}
    # What tells a staged row from others stands there as it is; a secret may not.
    stages = secret.isdisjoint(name for name, _ in shape.key)
    return {
        f"{PREFIX}{name}_{definition.table}": (
            f"CREATE TRIGGER {quote(f'{PREFIX}{name}_{definition.table}')} {event} ON {table} FOR EACH ROW "
            f"{f'WHEN {when} ' if when else ''}BEGIN {'; '.join(body)}; END"
        )
        for name, (event, when, body) in (_with_evictions(definition, plain, evict) if stages else plain).items()
    }


def _plain(definition: Definition, watch: int) -> dict[str, Spec]:
    first = [REFUSE] if definition.strict else []
    changed = " OR ".join(map(differs, definition.columns)) or "0"
    new, old = cells(definition, "n", "NEW"), cells(definition, "o", "OLD")
    return {
        "create": ("AFTER INSERT", "", [*first, _insert("create", watch, new)]),
        "update": ("AFTER UPDATE", changed, [*first, _insert("update", watch, updated(definition) | old)]),
        "delete": ("AFTER DELETE", "", [*first, _insert("delete", watch, old)]),
    }


def _with_evictions(definition: Definition, plain: dict[str, Spec], evict: Evictions) -> dict[str, Spec]:
    (_, _, create), (_, changed, (*first, update)), (_, _, delete) = plain.values()
    updates = evict.updated(update, _fixed("update", evict.watch), updated(definition))
    sets_unique, gone = evict.sets_unique(), evict.record("update")
    meanwhile = [evict.changed_meanwhile(), *evict.came_into_the_way(), evict.clear("update")]
    return {
        "inserting": ("BEFORE INSERT", evict.in_the_way("insert"), evict.stage("insert")),
        "create": ("AFTER INSERT", "", [evict.record("insert"), *create, evict.clear("insert")]),
        "updating": (f"BEFORE UPDATE{sets_unique}", evict.in_the_way("update", "OLD"), evict.stage("update", "OLD")),
        "update": ("AFTER UPDATE", changed, [*first, gone, *updates, *meanwhile]),
        # It changed in nothing that is recorded, and can have evicted another all the same.
        "moved": (f"AFTER UPDATE{sets_unique}", f"NOT ({changed})", [gone, *meanwhile]),
        "delete": ("AFTER DELETE", "", [*delete, evict.deleted_meanwhile()]),
    }


def _insert(operation: str, watch: int, held: Cells) -> str:
    """No conflict clause: the user's own (`INSERT OR IGNORE ...`) would override it, and nothing can conflict."""
    columns, select = selected(held, _fixed(operation, watch))
    return f"INSERT INTO {PREFIX}outbox ({', '.join(columns)}) {select}"


def _fixed(operation: str, watch: int) -> dict[str, str]:
    return {"token": "random()", "watch": str(watch), "operation": f"'{operation}'", "at": "julianday('now')"}
