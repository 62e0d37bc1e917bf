"""Whatever is done to a watched table or its triggers is told by `coverage`, with the remedy; and what capture does to
itself is on record.
"""

from contextlib import closing
from typing import Any

import pytest

from indelible.capture.context import acting_as
from indelible.capture.coverage import Coverage
from indelible.capture.sqlite.source import SQLiteSource
from indelible.errors import CaptureError
from indelible.event import Actor, Entry
from tests.world import World

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"
AGAIN = " Run indelible watch again."


def covered(world: World) -> list[Coverage]:
    with closing(SQLiteSource(world.app)) as source:
        return source.coverage()


def unwatch(world: World, table: str) -> None:
    with closing(SQLiteSource(world.app)) as source:
        source.unwatch(table)


def only(world: World) -> Coverage:
    (found,) = covered(world)
    return found


def notes(world: World) -> list[Entry]:
    return [entry for entry in world.sealed() if entry.action.startswith("AUDIT_CAPTURE_")]


def test_each_table_is_watched_excluded_or_not_covered(world: World) -> None:
    world.db.executescript(f"{T}; CREATE TABLE cache (x); CREATE TABLE later (x)")
    assert covered(world) == [Coverage(name, "not covered") for name in ("cache", "later", "t")]
    world.watch(tables=["t"], map_text='[cache]\nexclude = "Can be rebuilt."')
    assert covered(world) == [
        Coverage("cache", "excluded", "Can be rebuilt."),
        Coverage("later", "not covered"),
        Coverage("t", "watched"),
    ]
    world.watch(map_text='[cache]\nexclude = "Can be rebuilt."')
    assert [each.state for each in covered(world)] == ["excluded", "watched", "watched"]


DRIFTS = {
    "DROP TRIGGER indelible_update_t": "the trigger indelible_update_t is missing",
    "DROP TRIGGER indelible_inserting_t": "the trigger indelible_inserting_t is missing",
    "DROP TRIGGER indelible_delete_t; CREATE TRIGGER indelible_delete_t AFTER DELETE ON t BEGIN SELECT 1; END":
        "the trigger indelible_delete_t is not as this version makes it",
    "CREATE TRIGGER own AFTER INSERT ON T BEGIN UPDATE t SET a = 'x' WHERE id = NEW.id; END":
        "the trigger 'own' was made since: what it writes is told before what it was made for",
    "ALTER TABLE t ADD COLUMN c": "columns: c added",
    "ALTER TABLE t RENAME COLUMN a TO c": "columns: c added; a gone",
    "CREATE UNIQUE INDEX once ON t (a)": "the unique index once was made since",
    "DROP INDEX twice": "the unique index twice is gone",
    "ALTER TABLE t RENAME TO u": "the table was watched as 't' and renamed since",
    "DROP TABLE t": "the table was dropped",
    "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT)":
        "its triggers are gone, and no change was recorded since; columns: a of another type",
    "DROP TABLE t; CREATE TABLE t (id INTEGER, a TEXT PRIMARY KEY, b TEXT); CREATE UNIQUE INDEX twice ON t (a, b)":
        "its triggers are gone, and no change was recorded since",
    "ALTER TABLE t RENAME TO old; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)":
        "the table that was watched is called 'old' now",
}  # fmt: skip


@pytest.mark.parametrize("sql", DRIFTS)
def test_what_drifted_is_named_and_watching_again_mends_it(world: World, sql: str) -> None:
    world.watch(f"{T}; CREATE UNIQUE INDEX twice ON t (a, b)")
    assert only(world) == Coverage("t", "watched")
    world.db.executescript(sql)
    assert Coverage(only(world).table if "RENAME TO u" in sql else "t", "drifted", f"{DRIFTS[sql]}.{AGAIN}") in covered(
        world
    )
    world.watch()
    assert {each.state for each in covered(world)} <= {"watched"}


def test_what_the_applications_triggers_write_is_told_behind_what_they_were_made_for(world: World) -> None:
    world.watch(f"{T}; CREATE TRIGGER early AFTER INSERT ON t BEGIN UPDATE t SET b = 'early' WHERE id = NEW.id; END")
    world.db.executescript("CREATE TRIGGER before INSERT ON t BEGIN SELECT 'AFTER'; END")  # one that runs before anyway
    assert only(world) == Coverage("t", "watched")
    world.db.executescript("CREATE TRIGGER late AFTER INSERT ON t BEGIN UPDATE t SET a = 'late' WHERE id = NEW.id; END")
    assert only(world).state == "drifted"
    world.watch()
    world.run("INSERT INTO t VALUES (1, 'a', 'b')")
    assert [(entry.operation, entry.changes) for entry in world.sealed()[-3:]] == [
        ("create", {"id": {"new": 1}, "a": {"new": "a"}, "b": {"new": "b"}}),
        ("update", {"a": {"old": "a", "new": "late"}}),
        ("update", {"b": {"old": "b", "new": "early"}}),
    ]


def test_tables_that_changed_names_are_told_and_mended(world: World) -> None:
    world.watch(f"{T}; {T.replace('TABLE t', 'TABLE u')}")
    world.db.executescript("ALTER TABLE t RENAME TO x; ALTER TABLE u RENAME TO t; ALTER TABLE x RENAME TO u")
    assert [(each.table, each.state) for each in covered(world)] == [("t", "drifted"), ("u", "drifted")]
    world.watch()
    assert [(each.table, each.state) for each in covered(world)] == [("t", "watched"), ("u", "watched")]
    world.run("INSERT INTO t VALUES (1, 'a', 'b')")
    world.run("INSERT INTO u VALUES (2, 'a', 'b')")
    assert [(entry.action, entry.entity.id) for entry in world.sealed()] == [("T_CREATED", "1"), ("U_CREATED", "2")]


def test_rows_are_told_apart_where_a_name_has_gone_to_another_table(world: World) -> None:
    """`a` is watched as a new table, whichever is named, and the one that was called so goes on being recorded."""
    world.watch_all("CREATE TABLE a (id TEXT PRIMARY KEY); INSERT INTO a VALUES ('one')")
    ddl = "ALTER TABLE a RENAME TO older; CREATE TABLE a (id TEXT PRIMARY KEY); INSERT INTO a VALUES ('two')"
    before = len(world.sealed())
    assert world.watch_all(ddl, tables=["a"]) == ["a", "older"]
    world.run("INSERT INTO older VALUES ('three')")
    entries = world.sealed()[before:]
    assert [(entry.action.removeprefix("AUDIT_CAPTURE_"), entry.entity.id) for entry in entries] == [
        ("STOPPED", "a"), ("STARTED", "a"), ("STARTED", "older"),
        ("A_BASELINED", "two"), ("OLDER_BASELINED", "one"), ("OLDER_CREATED", "three"),
    ]  # fmt: skip


def test_a_table_that_is_watched_no_more_is_not_recorded_and_can_be_watched_again(world: World) -> None:
    world.watch(T)
    unwatch(world, "t")
    assert only(world) == Coverage("t", "not covered")
    world.run("INSERT INTO t VALUES (1, 'unseen', '')")
    assert [entry.action for entry in notes(world)] == ["AUDIT_CAPTURE_STOPPED"]
    assert not world.db.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'indelible_%_t'").fetchall()
    world.watch()
    world.run("INSERT INTO t VALUES (2, 'seen', '')")
    assert world.sealed()[-1].entity.id == "2"


@pytest.mark.parametrize("prepared", ["nothing", "another table", "excluded", "already ended"])
def test_what_is_not_watched_cannot_be_ended(world: World, prepared: str) -> None:
    world.db.executescript(f"{T}; CREATE TABLE u (x)")
    if prepared != "nothing":
        tables, exclude = (["u"], '[t]\nexclude = "No."') if prepared == "excluded" else (["t", "u"], "")
        world.watch(tables=["u"] if prepared == "another table" else tables, map_text=exclude)
    if prepared == "already ended":
        unwatch(world, "t")
    with pytest.raises(CaptureError, match="The table 't' is not watched, so there is nothing to end"):
        unwatch(world, "t")


def test_watching_is_on_record_once_and_only_what_changed_after_that(world: World) -> None:
    world.watch_all(T, map_text='[t]\nredact = ["b"]')
    world.watch_all(map_text='[t]\nredact = ["b"]')
    (started,) = notes(world)
    assert (started.action, started.operation, started.entity.type, started.entity.id) == (
        "AUDIT_CAPTURE_STARTED", "watch", "Table", "t",
    )  # fmt: skip
    assert started.actor == Actor.system("indelible")
    assert started.changes["columns"] == {"new": "id, a, b"}
    assert started.changes["masked"] == {"new": "b (redacted)"}
    world.watch_all(map_text='[t]\nkeep = ["b"]', strict=True)
    _, changed = notes(world)
    assert (changed.action, changed.changes) == (
        "AUDIT_CAPTURE_CHANGED",
        {"masked": {"old": "b (redacted)", "new": ""}, "strict": {"old": False, "new": True}},
    )


def test_whose_entries_are_from_now_on_is_on_record(world: World) -> None:
    world.watch(T)
    world.watch_all(map_text='[t]\norganization = "a"')
    (changed,) = notes(world)
    assert (changed.action, changed.changes) == ("AUDIT_CAPTURE_CHANGED", {"organization": {"new": "a"}})


def test_what_drifted_is_on_record_when_watching_again_mends_it(world: World) -> None:
    """Also where no server looked in between: of what was written meanwhile nobody would hear."""
    world.watch(T)
    world.run("DROP TRIGGER indelible_update_t")
    world.run("INSERT INTO t VALUES (1, 'a', 'b')")
    with acting_as(Actor(id="dana")):
        world.watch_all()
    (mended,) = notes(world)
    assert (mended.action, mended.entity.id, mended.actor.id) == ("AUDIT_CAPTURE_MENDED", "t", "dana")
    assert mended.changes == {"capture": {"old": "the trigger indelible_update_t is missing", "new": "watched"}}
    world.watch_all()
    assert len(notes(world)) == 1


@pytest.mark.parametrize(
    ("act", "actions"),
    [
        (lambda world: unwatch(world, "t"), ["AUDIT_CAPTURE_STOPPED"]),
        (lambda world: world.watch_all(map_text='[t]\nexclude = "No more."'), ["AUDIT_CAPTURE_STOPPED"]),
        (lambda world: world.watch_all("DROP TABLE t"), ["AUDIT_CAPTURE_STOPPED"]),
        (lambda world: world.watch_all("ALTER TABLE t RENAME TO chairs"), ["AUDIT_CAPTURE_CHANGED"]),
        (lambda world: world.watch_all("ALTER TABLE t ADD COLUMN c"), ["AUDIT_CAPTURE_CHANGED"]),
        (lambda world: world.watch_all("CREATE TABLE u (x)"), ["AUDIT_CAPTURE_STARTED"]),
    ],
)
def test_who_ends_or_changes_capture_is_named(world: World, act: Any, actions: list[str]) -> None:
    world.watch(T)
    with acting_as(Actor(id="dana"), reason="told to"):
        act(world)
    found = notes(world)
    assert [entry.action for entry in found] == actions
    assert {(entry.actor.id, entry.reason) for entry in found} == {("dana", "told to")}


def test_a_watch_that_is_refused_leaves_no_note(world: World) -> None:
    world.watch(T)
    with pytest.raises(CaptureError):
        world.watch_all(tables=["t", "absent"])
    assert notes(world) == []


def test_a_forged_note_is_logged_as_it_is(world: World) -> None:
    world.watch(T)
    forged = "INSERT INTO indelible_outbox (token, watch, operation, at, n0) VALUES (1, 1, 'note', 2461000.5, ?)"
    deep, deeper = (
        '{"action":"AUDIT_CAPTURE_STARTED","table":"t","changes":{"x":{"new":' + "[" * depth + "]" * depth + "}}}"
        for depth in (60, 5000)
    )
    unnamed, odd = '{"action":"AUDIT_CAPTURE_STARTED","table":""}', '{"action":"no action","table":"t"}'
    for text in ("{}", "not json", None, b"\xff", odd, unnamed, deep, deeper):
        world.run(forged, (text,))
    world.run("INSERT INTO t VALUES (1, 'after', '')")
    entries = world.sealed()
    assert [entry.action for entry in entries] == ["CAPTURE_DAMAGED"] * 8 + ["T_CREATED"]


def test_a_database_watched_by_the_first_format_is_told_to_be_so(world: World) -> None:
    from tests.capture.test_tape import FIRST

    world.db.executescript(FIRST)
    told = "the table is watched by an earlier version. Run indelible watch again."
    assert covered(world) == [Coverage("t", "drifted", told), Coverage("u", "drifted", told)]
    unwatch(world, "u")
    world.watch(tables=["t"])
    assert covered(world) == [Coverage("t", "watched"), Coverage("u", "not covered")]
