"""Is every table still watched as it was left? Looks at the tables and triggers themselves, not at what was noted."""

from collections.abc import Iterator

from indelible.capture.coverage import ATTACHED, DROPPED, Coverage, columns_drifted
from indelible.capture.postgres.computed import functions
from indelible.capture.postgres.describe import Relation, TypedColumn, describe, members, relations
from indelible.capture.postgres.registry import Database, Watched, computing, expected, installed, newest, shape
from indelible.capture.postgres.setup import faults
from indelible.capture.postgres.sql import WATCH
from indelible.capture.postgres.triggers import MARK, triggers, truncation


def coverage(db: Database) -> list[Coverage]:
    """Each table of the application, by name; and those that are watched and gone."""
    if db.execute("SELECT to_regclass('indelible.watch') AS there").fetchone() == {"there": None}:
        return [Coverage(name, "not covered") for name in relations(db)]
    found = relations(db)
    amiss = next(iter(faults(db)), None)
    gone = {row["table_name"]: row["attached"] for row in db.execute(WATCH["dropped"])}
    told = [_covered(db, name, relation, amiss, replaced=name in gone) for name, relation in found.items()]
    lost = {name: ATTACHED if attached else DROPPED for name, attached in gone.items() if name not in found}
    told += [Coverage.drifted(name, what) for name, what in lost.items()]
    return sorted(told)


def _covered(db: Database, name: str, relation: Relation, amiss: str | None, *, replaced: bool) -> Coverage:
    watched = newest(db, relation.oid)
    if watched is None or watched.definition is None:
        if replaced:
            return Coverage.drifted(name, "the table that was watched is gone, and this one has its name")
        return Coverage(name, "not covered")
    if watched.definition.map.exclude:
        return Coverage(name, "excluded", watched.definition.map.exclude)
    reason = next(_drifts(db, relation, watched), amiss)
    return Coverage.drifted(name, reason) if reason else Coverage(name, "watched")


def _drifts(db: Database, relation: Relation, watched: Watched) -> Iterator[str]:
    """Each thing that is not as `watch` left it."""
    assert watched.definition is not None  # noqa: S101 - asked by the caller
    if watched.table != relation.known_as:
        yield f"the table was watched as {watched.table!r} and renamed since"
    table, columns = describe(db, relation)
    changed = columns_drifted([each[:2] for each in watched.shape], [each[:2] for each in shape(columns)])
    if changed:
        yield changed
        return
    if watched.definition.row_key != table.primary_key:
        yield "the key of the table is another one"
        return
    there = computing(db, relation)
    for function in functions(watched.definition, columns):
        if there.get(function.name) != function.body:
            yield f"the function {function.name}, which computes a virtual column, is not as this version makes it"
    yield from _triggers_drifted(db, relation, watched, columns)


def _triggers_drifted(db: Database, relation: Relation, watched: Watched, columns: list[TypedColumn]) -> Iterator[str]:
    assert watched.definition is not None  # noqa: S101 - asked by the caller
    wanted = [(relation, triggers(watched.definition, relation, columns, watched.id))]
    if relation.partitioned:
        parts = members(db, relation)
        wanted += [(part, [truncation(watched.definition, relation, columns, watched.id)]) for part in parts]
    for each, those in wanted:
        there = installed(db, each)
        for trigger in those:
            if trigger.name not in there and trigger.name == MARK:
                yield f"{each.known_as} has triggers of the application's since, which may write too"
            elif trigger.name not in there:
                yield f"the trigger {trigger.name} of {each.known_as} is missing"
            elif there[trigger.name][0] != "A":
                yield f"the trigger {trigger.name} of {each.known_as} is switched off"
            elif there[trigger.name] != expected(trigger):
                yield f"the trigger {trigger.name} of {each.known_as} is not as this version makes it"
        for name in there.keys() - {trigger.name for trigger in those}:
            yield f"{each.known_as} has one trigger of ours too many, {name}"
