"""The triggers of one table, generated from its definition, each with a function of its own.

Names are quoted; nothing else of the schema reaches the SQL but the expressions of virtual columns, as PostgreSQL
itself writes them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from indelible.capture.definition import Definition
from indelible.capture.postgres.bodies import SIDES, by_row, by_statement, emptied, partitions_watched
from indelible.capture.postgres.describe import Relation, TypedColumn
from indelible.capture.postgres.names import FIRST, PREFIX, SCHEMA, literal, quote
from indelible.capture.postgres.order import MARKING
from indelible.capture.postgres.written import Terms, Written

MARK = f"{FIRST}mark"
OPERATIONS = {"create": ("INSERT", 4), "update": ("UPDATE", 16), "delete": ("DELETE", 8)}


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
            f"SECURITY DEFINER{settings} AS {literal(self.body)}"  # names may hold any dollar quote
        )

    def create_trigger(self, table: str) -> str:
        return (
            f"CREATE TRIGGER {quote(self.name)} {self.when} ON {table}{self.rest} "
            f"EXECUTE FUNCTION {SCHEMA}.{quote(self.function)}()"
        )


def triggers(definition: Definition, relation: Relation, columns: Sequence[TypedColumn], watch: int) -> list[Trigger]:
    """For create, update and delete, and for TRUNCATE."""
    marked = relation.crowded and not relation.by_row
    written = Written(definition, columns, marked=marked)
    make = _row_trigger if relation.by_row else _statement_trigger
    made = [make(operation, relation, written, watch) for operation in OPERATIONS]
    return [*([_mark(relation)] if marked else []), *made, truncation(definition, relation, columns, watch)]


def truncation(definition: Definition, relation: Relation, columns: Sequence[TypedColumn], watch: int) -> Trigger:
    """For a table, and for each partition of it: row triggers those have from their root."""
    written = Written(definition, columns)
    body = partitions_watched(relation) if relation.partitioned else ""
    body += written.strict + "\n  " + emptied(watch, Written(definition, columns, Terms("$2")))
    settings = [*written.settings, "row_security = off"]  # all rows, or an error
    function = f"capture_{relation.oid}_truncate"
    rest = " FOR EACH STATEMENT"
    return Trigger(f"{PREFIX}truncate", 2 + 32, "BEFORE TRUNCATE", rest, function, settings, written.body(body))


def _mark(relation: Relation) -> Trigger:
    when = "AFTER INSERT OR UPDATE OR DELETE"
    return Trigger(MARK, 1 + 4 + 8 + 16, when, " FOR EACH ROW", f"capture_{relation.oid}_mark", [], MARKING)


def _row_trigger(operation: str, relation: Relation, written: Written, watch: int) -> Trigger:
    return _trigger(operation, relation, written, by_row(operation, relation, watch, written))


def _statement_trigger(operation: str, relation: Relation, written: Written, watch: int) -> Trigger:
    return _trigger(operation, relation, written, by_statement(operation, watch, written))


def _trigger(operation: str, relation: Relation, written: Written, statements: str) -> Trigger:
    verb, kind = OPERATIONS[operation]
    tables = "".join(f" {side.upper()} TABLE AS indelible_{side}_rows" for side in SIDES[operation])
    return Trigger(
        name=f"{FIRST if relation.by_row else PREFIX}{operation}",
        kind=kind + relation.by_row,
        when=f"AFTER {verb}",
        rest=" FOR EACH ROW" if relation.by_row else f" REFERENCING{tables} FOR EACH STATEMENT",
        function=f"capture_{relation.oid}_{operation}",
        settings=written.settings,
        body=written.body(statements),
    )
