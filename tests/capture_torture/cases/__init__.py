"""Every case there is."""

from tests.capture_torture.cases import (
    basic,
    identifiers,
    orm,
    postgres_statements,
    postgres_tables,
    postgres_values,
    sqlite_conflicts,
    sqlite_tables,
    transactions,
)
from tests.capture_torture.model import Case, Engine

ROOMS = {
    "Through an ORM": orm,
    "Inserts, updates, deletes, upserts": basic,
    "Transactions, cascades, triggers": transactions,
    "Conflict clauses": sqlite_conflicts,
    "Tables and values of SQLite": sqlite_tables,
    "Statements of PostgreSQL": postgres_statements,
    "Tables, roles and sessions of PostgreSQL": postgres_tables,
    "Types of PostgreSQL": postgres_values,
    "Names": identifiers,
}

CASES: tuple[Case, ...] = tuple(case for room in ROOMS.values() for case in room.CASES)


def of(engine: Engine) -> list[Case]:
    return [case for case in CASES if engine in case.engines]
