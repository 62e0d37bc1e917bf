"""Records the rows that a table had when watching began: without them the log would know only what changed since.

In short transactions, by key order. Rows are locked against change while they are written down, so that no entry
tells of a row as it was before the entry in front of it. Killed anywhere, the next `watch` goes on: what was
recorded and how far that went are committed together.
"""

from typing import Any, NamedTuple
from uuid import uuid4

import psycopg

from indelible.capture.definition import Definition
from indelible.capture.notes import by_this_program
from indelible.capture.postgres.describe import Relation, TypedColumn, describe, relations
from indelible.capture.postgres.names import quote
from indelible.capture.postgres.sql import BASELINE
from indelible.capture.postgres.watch import Database, newest
from indelible.capture.postgres.written import MARKER, Written

BOUND = "%(marker)s::text"
PAGE = 500  # rows of one transaction; fewer where they are too wide for one outbox row


class Subject(NamedTuple):
    """A table whose rows are being recorded."""

    watch: int
    relation: Relation
    definition: Definition
    columns: dict[str, TypedColumn]


def record_baselines(db: Database) -> None:
    """Finish every baseline that was begun."""
    for row in db.execute(BASELINE["begun"]).fetchall():
        subject = _subject(db, row["watch"], row["relation"])
        if subject is None:  # watched no more
            db.execute(BASELINE["finish"], row)
            continue
        page = PAGE
        while page and (more := _record(db, subject, page)) is not False:
            page = page // 4 if more is None else page


def _subject(db: Database, watch: int, oid: int) -> Subject | None:
    relation = next((each for each in relations(db).values() if each.oid == oid), None)
    watched = newest(db, oid)
    if relation is None or watched is None or watched.definition is None:
        return None
    _, columns = describe(db, relation)
    return Subject(watch, relation, watched.definition, {each.column.name: each for each in columns})


def _record(db: Database, subject: Subject, page: int) -> bool | None:
    """One page. False: that was the last. None: nothing was done, its rows are too wide together."""
    try:
        with db.transaction():
            return _record_page(db, subject, page)
    except psycopg.errors.ProgramLimitExceeded:
        return None


def _record_page(db: Database, subject: Subject, page: int) -> bool:
    values: dict[str, Any] = {"watch": subject.watch, "page": page, "context": by_this_program("baseline")}
    values["marker"] = str(uuid4())
    begun = db.execute(BASELINE["lock"], values).fetchone()
    if begun is None:
        return False  # somebody else finished it
    written = Written(subject.definition, list(subject.columns.values()))
    for setting in (*written.settings, "row_security = off"):
        db.execute(f"SET LOCAL {setting}")
    if not subject.definition.row_key:
        db.execute(_everything(subject, written), values)
        places = []
    else:
        bounds = {f"key{i}": text for i, text in enumerate(begun["after"] or ())}
        places = db.execute(_page(subject, written, begun["after"] is None), values | bounds).fetchall()
    if len(places) < page:
        db.execute(BASELINE["finish"], values)
        return False
    db.execute(BASELINE["move"], values | {"after": places[-1]["place"]})
    return True


def _page(subject: Subject, written: Written, first: bool) -> str:  # noqa: FBT001 - the first page has no bound
    keys = subject.definition.row_key
    order = ", ".join(f"t.{quote(name)}" for name in keys)
    bounds = ", ".join(f"%(key{i})s::{_escaped(subject.columns[name].declared)}" for i, name in enumerate(keys))
    return BASELINE["page"].format(
        cells=_escaped(written.cells_at_once(MARKER)).replace(MARKER, BOUND),
        place=_escaped(", ".join(subject.columns[name].text("t") for name in keys)),
        table=_escaped(written.rows(_from(subject.relation))).replace(MARKER, BOUND),
        above="" if first else f"WHERE ({_escaped(order)}) > ({bounds})",
        order=_escaped(order),
    )


def _everything(subject: Subject, written: Written) -> str:
    return BASELINE["everything"].format(
        cells=_escaped(written.cells_at_once(MARKER)).replace(MARKER, BOUND),
        table=_escaped(written.rows(_from(subject.relation))).replace(MARKER, BOUND),
    )


def _escaped(sql: str) -> str:
    """A percent sign in a name is not the driver's."""
    return sql.replace("%", "%%")


def _from(relation: Relation) -> str:
    """A child's rows are recorded as the child's."""
    return relation.quoted if relation.partitioned else f"ONLY {relation.quoted}"
