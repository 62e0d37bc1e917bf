"""Records the rows that a table had when watching began: without them the log would know only what changed since.

In short transactions, by key order. Rows are locked against change while they are written down, so that no entry
tells of a row as it was before the entry in front of it. Killed anywhere, the next `watch` goes on: what was
recorded and how far that went are committed together.
"""

from typing import Any, NamedTuple
from uuid import uuid4

from indelible.capture.definition import Definition
from indelible.capture.notes import by_this_program
from indelible.capture.postgres.describe import Relation, TypedColumn, describe, pins, relations
from indelible.capture.postgres.names import SCHEMA, literal, quote
from indelible.capture.postgres.registry import Database, newest
from indelible.capture.postgres.sql import BASELINE
from indelible.capture.postgres.written import Terms, Written

PAGE = 500  # rows of one transaction, or
BYTES = 8 * 1024 * 1024  # unless a single row has more


class Subject(NamedTuple):
    """A table whose rows are being recorded."""

    watch: int
    relation: Relation
    definition: Definition
    columns: dict[str, TypedColumn]

    @property
    def ordered(self) -> bool:
        """Whether its key has an order that can be spelled here: a type of somebody's brings operators of its own."""
        keys = [self.columns[name] for name in self.definition.row_key]
        return bool(keys) and all(key.builtin for key in keys)


def record_baselines(db: Database) -> None:
    """Finish every baseline that was begun."""
    for row in db.execute(BASELINE["begun"]).fetchall():
        subject = _subject(db, row["watch"], row["relation"])
        if subject is None:  # watched no more
            db.execute(BASELINE["finish"], row)
            continue
        while _record(db, subject):
            pass


def _subject(db: Database, watch: int, oid: int) -> Subject | None:
    relation = next((each for each in relations(db).values() if each.oid == oid), None)
    watched = newest(db, oid)
    if relation is None or watched is None or watched.definition is None:
        return None
    _, columns = describe(db, relation)
    return Subject(watch, relation, watched.definition, {each.column.name: each for each in columns})


def _record(db: Database, subject: Subject) -> bool:
    """One page, in one transaction. False: that was the last."""
    values: dict[str, Any] = {"watch": subject.watch, "context": by_this_program("baseline"), "marker": str(uuid4())}
    written = Written(subject.definition, list(subject.columns.values()), Terms(literal(values["marker"])))
    with db.transaction():
        begun = db.execute(BASELINE["lock"], values).fetchone()
        if begun is None:
            return False  # somebody else finished it
        held_still = pins([subject.columns[name].plain() for name in subject.definition.row_key])
        for setting in (*written.settings, *held_still, "row_security = off"):
            db.execute(f"SET LOCAL {setting}")
        if not subject.ordered:
            db.execute(_filled("everything", subject, written), values)
            last = True
        else:
            last = _record_page(db, subject, written, values, begun=begun["begun"])
        db.execute(BASELINE["finish" if last else "move"], values)
    return not last


def _record_page(db: Database, subject: Subject, written: Written, values: dict[str, Any], *, begun: bool) -> bool:
    """Whether nothing is left behind it."""
    db.execute("SET LOCAL enable_seqscan = off")  # how little is within the bounds, the planner cannot know
    above = [_bound(subject, ">", "after")] if begun else []
    found = db.execute(_filled("reach", subject, written, above=_where(above)), values).fetchone()
    if found is None:
        return True
    within = above if found["last"] else [*above, _bound(subject, "<=", "upto")]
    db.execute(_filled("page", subject, written, within=_where(within)), values)
    return bool(found["last"])


def _filled(name: str, subject: Subject, written: Written, **bounds: str) -> str:
    """A statement of baseline.sql about this table. A percent sign in a name is not the driver's."""
    keys = subject.definition.row_key
    parts = {
        "cells": written.cells(),
        "width": written.width(),
        "table": written.rows(_from(subject.relation)),
        "place": ", ".join(subject.columns[name].plain().text("t") for name in keys),
        "order": ", ".join(f"t.{quote(name)}" for name in keys),
    }
    escaped = {part: sql.replace("%", "%%") for part, sql in parts.items()}
    return BASELINE[name].format(**escaped, **bounds, rows=PAGE, bytes=BYTES)


def _bound(subject: Subject, operator: str, name: str) -> str:
    """The keys compared with a bound that the baseline has."""
    keys = subject.definition.row_key
    columns = ", ".join(f"t.{quote(key)}" for key in keys).replace("%", "%%")
    declared = (subject.columns[key].declared.replace("%", "%%") for key in keys)
    bound = f"FROM {SCHEMA}.baseline WHERE watch = %(watch)s"
    values = ", ".join(f"(SELECT {name}[{i}]::{type_} {bound})" for i, type_ in enumerate(declared, 1))
    return f"({columns}) {operator} ({values})"


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _from(relation: Relation) -> str:
    """A child's rows are recorded as the child's."""
    return relation.quoted if relation.partitioned else f"ONLY {relation.quoted}"
