"""What was changed behind the log's back is named, row and column; what the log accounts for is not."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indelible.actions import ActionMap
from indelible.capture.source import Source, open_source
from indelible.drift import DriftWatch
from indelible.log import Log
from indelible.reconcile import Difference, Report, compare
from indelible.sealer import Sealer
from tests.capture_torture import ours
from tests.cli.conftest import Shell
from tests.oracle.statements import STATEMENTS

SCHEMA = (
    "CREATE TABLE licenses (id INTEGER PRIMARY KEY, plan TEXT, seats INTEGER, password TEXT)",
    "CREATE TABLE grants (who TEXT, what TEXT, note TEXT, PRIMARY KEY (who, what))",
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER, n INTEGER)",
    "CREATE TABLE loose (x TEXT, n INTEGER)",
    "INSERT INTO licenses VALUES (1, 'free', 3, 'a'), (2, 'pro', 5, 'b')",
    "INSERT INTO grants VALUES ('a/b', 'c', NULL), ('a', 'b/c', NULL), ('plain', 'x', NULL)",
    "INSERT INTO sessions VALUES ('s1', 7, 1), ('s2', 7, 1)",
    "INSERT INTO loose VALUES ('twin', 1), ('twin', 1), ('one', 1)",
)
MAP = '[sessions]\nentity = "User"\nid = "user_id"\n'
WRITES = (
    "UPDATE licenses SET plan = 'max', password = 'c' WHERE id = 1",
    "UPDATE licenses SET id = 9 WHERE id = 2",
    "UPDATE grants SET note = 'seen'",
    "UPDATE grants SET what = 'c/d' WHERE who = 'a/b'",
    "UPDATE sessions SET n = 2 WHERE id = 's1'",
    "UPDATE sessions SET id = 's3' WHERE id = 's2'",
    "UPDATE loose SET n = 2 WHERE x = 'one'",
    "DELETE FROM licenses WHERE id = 9",
    "INSERT INTO licenses VALUES (4, 'trial', 1, NULL)",
)
TAMPERING = {
    "UPDATE licenses SET seats = 99 WHERE id = 1": Difference(
        "licenses", "1", "changed", {"seats": {"log": 3, "table": 99}}
    ),
    "DELETE FROM licenses WHERE id = 4": Difference("licenses", "4", "not in the table", {}),
    "INSERT INTO licenses VALUES (5, 'forged', 1, NULL)": Difference("licenses", "5", "not in the log", {}),
    "UPDATE licenses SET password = NULL WHERE id = 1": Difference(
        "licenses", "1", "changed", {"password": {"log": {"redacted": True}, "table": None}}
    ),
    "UPDATE grants SET note = 'forged' WHERE who = 'a'": Difference(
        "grants", '["a","b/c"]', "changed", {"note": {"log": "seen", "table": "forged"}}
    ),
    "UPDATE sessions SET n = 5 WHERE id = 's3'": Difference("sessions", "s3", "changed", {"n": {"log": 1, "table": 5}}),
}


class Desk:
    """A watched database and its log; `tamper` is somebody who has switched capture off."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.db: Any = psycopg.connect(url, autocommit=True) if url.startswith("postgresql") else None
        if self.db is None:
            self.db = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        self.run(*SCHEMA)
        (folder / "audit.toml").write_text(MAP)
        self.map = ActionMap.load(folder / "audit.toml")
        self.source: Source = open_source(url)
        self.source.watch(None, self.map)
        self.log = Log.create(f"sqlite:///{folder}/audit.db")
        self.outbox = self.source.outbox()
        self.sealer = Sealer(self.outbox, self.log)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.db.execute(statement)

    def tamper(self, *statements: str) -> None:
        if self.url.startswith("postgresql"):
            tables = ("licenses", "grants", "sessions", "loose")
            self.run(*(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in tables), *statements)
            return
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name NOT LIKE 'indelible%'"
        self.run(*(f'DROP TRIGGER "{name}"' for (name,) in self.db.execute(query).fetchall()), *statements)

    def differences(self) -> list[Difference]:
        found: list[Difference] = []
        report = compare(self.source, self.log, found.append)
        assert report.differences == len(found)
        return found

    def close(self) -> None:
        for each in (self.outbox, self.source, self.log, self.db):
            each.close()


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "app.db").touch()
    url = f"sqlite:///{tmp_path}/app.db" if request.param == "sqlite" else request.getfixturevalue("pg_url")
    with closing(Desk(url, tmp_path)) as made:
        yield made


def test_what_the_log_accounts_for_is_no_difference(desk: Desk) -> None:
    assert desk.differences() == []  # all of it still in the outbox
    desk.sealer.seal()
    desk.run(*WRITES)
    assert desk.differences() == []  # half of it
    desk.sealer.seal()
    assert desk.differences() == []
    assert compare(desk.source, desk.log, print) == Report(tables=4, rows=10, differences=0, missed=[])


@pytest.mark.parametrize("statement", TAMPERING)
def test_what_was_changed_behind_its_back_is_named(desk: Desk, statement: str) -> None:
    desk.run(*WRITES)
    desk.sealer.seal()
    desk.tamper(statement)
    assert desk.differences() == [TAMPERING[statement]]


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_a_number_that_became_another_of_the_same_size_is_named(desk: Desk) -> None:
    desk.run("CREATE TABLE any_type (id INTEGER PRIMARY KEY, x)", "INSERT INTO any_type VALUES (1, 1), (2, 2.0)")
    desk.source.watch(None, desk.map)
    desk.sealer.seal()
    assert desk.differences() == []
    desk.tamper("UPDATE any_type SET x = 1.0 WHERE id = 1", "UPDATE any_type SET x = 2 WHERE id = 2")
    told = [(each.row, each.columns["x"]) for each in desk.differences()]
    assert repr(told) == "[('1', {'log': 1, 'table': 1.0}), ('2', {'log': 2.0, 'table': 2})]"


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_a_column_that_is_called_boolean_since_holds_the_same_numbers(desk: Desk) -> None:
    desk.run("CREATE TABLE flags (id INTEGER PRIMARY KEY, x INTEGER)", "INSERT INTO flags VALUES (1, 1), (2, 0)")
    desk.source.watch(None, desk.map)
    desk.run(
        "ALTER TABLE flags RENAME TO before", "CREATE TABLE flags (id INTEGER PRIMARY KEY, x BOOLEAN)",
        "INSERT INTO flags SELECT * FROM before", "DROP TABLE before",
    )  # fmt: skip
    desk.source.watch(None, desk.map)
    desk.sealer.seal()
    assert [each for each in desk.differences() if each.kind == "changed"] == []


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_a_record_that_was_taken_out_of_the_queue_is_missed(desk: Desk) -> None:
    """SQLite has nobody who could refuse it."""
    desk.sealer.seal()
    desk.run("UPDATE licenses SET seats = 99 WHERE id = 1", "DELETE FROM indelible_outbox")
    desk.sealer.seal()
    assert desk.differences() == [
        Difference("licenses", "1", "changed", {"seats": {"log": 3, "table": 99}}),
    ]


def test_of_twins_the_one_that_went_is_missed(desk: Desk) -> None:
    desk.sealer.seal()
    one = "ctid = (SELECT min(ctid) FROM loose WHERE x = 'twin')"
    where = one if desk.url.startswith("postgresql") else "rowid = 1"
    desk.tamper(f"DELETE FROM loose WHERE {where}")
    (difference,) = desk.differences()
    assert (difference.table, difference.kind) == ("loose", "not in the table")


def test_a_large_value_is_compared_whole(desk: Desk) -> None:
    desk.run(f"UPDATE licenses SET plan = '{'x' * 70_000}' WHERE id = 1")
    desk.sealer.seal()
    assert desk.differences() == []
    desk.tamper(f"UPDATE licenses SET plan = '{'x' * 69_999}y' WHERE id = 1")
    assert [(each.row, each.kind) for each in desk.differences()] == [("1", "changed")]


def test_a_column_that_was_added_later_is_not_the_logs_to_answer_for(desk: Desk) -> None:
    desk.sealer.seal()
    desk.run("ALTER TABLE licenses ADD COLUMN added INTEGER DEFAULT 7")
    assert desk.differences() == []
    desk.source.watch(None, desk.map)
    desk.run("UPDATE licenses SET added = 8 WHERE id = 1")
    assert desk.differences() == []


def test_what_happened_while_nobody_looked_is_named_until_it_is_recorded_anew(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    with closing(Desk(f"sqlite:///{tmp_path}/app.db", tmp_path)) as desk:
        desk.tamper("DELETE FROM licenses WHERE id = 1", "UPDATE grants SET note = 'unseen'")
        desk.source.watch(None, None)
        assert len(desk.differences()) == 4
        for table in ("licenses", "grants"):
            desk.source.unwatch(table)
        desk.source.watch(None, None)
        assert desk.differences() == []
        desk.run("ALTER TABLE grants RENAME TO older", "CREATE TABLE grants (who TEXT PRIMARY KEY)")
        desk.run("INSERT INTO grants VALUES ('plain')")
        desk.source.watch(None, None)
        assert desk.differences() == []


@pytest.mark.parametrize(
    "renames",
    [
        ["grants RENAME TO older", "licenses RENAME TO grants"],
        ["grants RENAME TO x", "licenses RENAME TO grants", "x RENAME TO licenses"],
    ],
)
def test_names_that_went_from_one_table_to_the_next_are_no_difference(desk: Desk, renames: list[str]) -> None:
    desk.sealer.seal()
    desk.run(*(f"ALTER TABLE {each}" for each in renames))
    desk.source.watch(None, None)
    assert desk.differences() == []


def test_a_name_that_a_dropped_table_had_is_no_difference(desk: Desk) -> None:
    desk.sealer.seal()
    desk.run("DROP TABLE grants", "ALTER TABLE licenses RENAME TO grants")
    desk.source.watch(None, None)
    assert desk.differences() == []


@pytest.mark.parametrize("change", ["DROP COLUMN seats", "RENAME COLUMN seats TO places"])
def test_a_column_that_is_gone_since_is_no_difference(desk: Desk, change: str) -> None:
    desk.sealer.seal()
    desk.tamper(f"ALTER TABLE licenses {change}", "UPDATE licenses SET plan = 'forged' WHERE id = 1")
    assert [(each.row, list(each.columns)) for each in desk.differences()] == [("1", ["plan"])]


WATCHED_OTHERWISE = {
    "another table has its entity": (["CREATE TABLE license (id INTEGER PRIMARY KEY)"], MAP),
    "another id": ([], MAP + '[licenses]\nid = "seats"'),
    "another entity and id": ([], MAP + '[licenses]\nentity = "Plan"\nid = "plan"'),
    "an id no longer": ([], ""),
    "entities exchanged": ([], MAP + '[licenses]\nentity = "Loose"\n[loose]\nentity = "License"'),
}


@pytest.mark.parametrize(("ddl", "text"), WATCHED_OTHERWISE.values(), ids=WATCHED_OTHERWISE)
def test_a_table_that_is_watched_otherwise_since_has_the_same_rows(
    desk: Desk, tmp_path: Path, ddl: list[str], text: str
) -> None:
    desk.run(*WRITES, *ddl)
    desk.sealer.seal()
    (tmp_path / "audit.toml").write_text(text)
    for _ in range(2):
        desk.source.watch(None, ActionMap.load(tmp_path / "audit.toml"))
        desk.run("UPDATE licenses SET plan = 'own' WHERE id = 4", "INSERT INTO licenses VALUES (2, 'new', 2, NULL)")
        desk.run("UPDATE sessions SET n = 9 WHERE id = 's1'", "INSERT INTO loose VALUES ('more', 1)")
        assert desk.differences() == []
        desk.sealer.seal()
        assert desk.differences() == []
        desk.run("DELETE FROM licenses WHERE id = 2")
        desk.source.watch(None, desk.map)  # and back


def test_a_table_that_has_another_key_since_has_the_same_rows(desk: Desk) -> None:
    desk.run(*WRITES)
    columns = "id INTEGER, plan TEXT, seats INTEGER, password TEXT, PRIMARY KEY (id, seats)"
    if desk.url.startswith("postgresql"):
        desk.run("ALTER TABLE licenses DROP CONSTRAINT licenses_pkey, ADD PRIMARY KEY (id, seats)")
    else:
        desk.run(f"CREATE TABLE l ({columns})", "INSERT INTO l SELECT * FROM licenses", "DROP TABLE licenses")
        desk.run("ALTER TABLE l RENAME TO licenses")
    desk.source.watch(None, desk.map)
    desk.run("UPDATE licenses SET plan = 'own'", "INSERT INTO licenses VALUES (4, 'twin', 9, NULL)")
    assert desk.differences() == []
    desk.sealer.seal()
    assert desk.differences() == []


@pytest.mark.parametrize("text", [MAP, MAP + '[permits]\nid = "seats"'], ids=["a name", "a name and an id"])
def test_a_table_that_has_another_name_since_has_the_same_rows(desk: Desk, tmp_path: Path, text: str) -> None:
    desk.sealer.seal()
    desk.run(*WRITES, "ALTER TABLE licenses RENAME TO permits")
    (tmp_path / "audit.toml").write_text(text)
    desk.source.watch(None, ActionMap.load(tmp_path / "audit.toml"))
    desk.run("UPDATE permits SET plan = 'own' WHERE id = 1", "INSERT INTO permits VALUES (5, 'new', 2, NULL)")
    assert desk.differences() == []
    desk.sealer.seal()
    assert desk.differences() == []


@pytest.mark.parametrize("desk", ["postgres"], indirect=True)
def test_a_table_that_has_the_name_of_another_since_has_its_own_rows(desk: Desk) -> None:
    desk.run(*WRITES, "ALTER TABLE licenses RENAME TO permits", "CREATE TABLE licenses (LIKE permits INCLUDING ALL)")
    desk.run("INSERT INTO licenses SELECT * FROM permits")
    desk.source.watch(None, desk.map)
    desk.run("UPDATE permits SET plan = 'own' WHERE id = 1", "DELETE FROM licenses WHERE id = 4")
    assert desk.differences() == []
    desk.sealer.seal()
    assert desk.differences() == []


def test_a_trigger_that_is_dropped_is_on_record_once_until_it_is_mended(desk: Desk) -> None:
    watch = DriftWatch(desk.url, desk.log)
    assert watch.check() == []
    for _ in range(2):
        desk.tamper()
        for _ in range(2):
            assert {each.state for each in watch.check()} == {"drifted"}
        desk.source.watch(None, desk.map)
        assert watch.check() == []
    entries = [desk.log.entry(seq) for seq in range(desk.log.head().size)]
    assert [e.action for e in entries] == ["AUDIT_CAPTURE_DRIFTED"] * 8
    assert {e.entity.id for e in entries} == {"licenses", "grants", "sessions", "loose"}
    assert all("Run indelible watch" in e.metadata["reason"] or "watch" in e.metadata["reason"] for e in entries)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_whatever_was_written_nothing_differs(
    engine: Any, request: pytest.FixtureRequest, tmp_path: Path, random_writes: Callable[..., None]
) -> None:
    path = str(tmp_path / "random.db")
    url = path if engine == "sqlite" else request.getfixturevalue("pg_url")
    with closing(ours.ADAPTERS[engine]()) as teller:
        random_writes(engine, url, teller)
        with closing(open_source(f"sqlite:///{path}" if engine == "sqlite" else url)) as source:
            found: list[Difference] = []
            report = compare(source, teller._log, found.append)  # type: ignore[attr-defined]
    assert (found, report.differences) == ([], 0)


@pytest.fixture
def random_writes() -> Callable[..., None]:
    from random import Random

    from tests.oracle.replay import Oracle

    def write(engine: Any, url: str, teller: Any) -> None:
        dice, oracle = Random(20261125), Oracle(engine, url, teller)  # noqa: S311 - statements, not secrets
        for _ in range(20):
            oracle.write([dice.choice(STATEMENTS[oracle.place.engine]).draw(dice) for _ in range(30)])
            teller.more()

    return write


def test_the_command_exits_3_and_names_the_rows(shell: Shell) -> None:
    shell.run("init", shell.log)
    shell.run("watch", shell.app, "--all")
    shell.sql("INSERT INTO users (name) VALUES ('a'), ('b')")
    assert b"accounts for all 2 rows of 1 tables" in shell.run("reconcile", shell.app, shell.log).stderr
    shell.run("seal", shell.app, shell.log)
    shell.sql("DROP TRIGGER indelible_update_users; UPDATE users SET name = 'c' WHERE id = 1")
    done = shell.run("reconcile", shell.app, shell.log, code=3)
    assert done.stdout.decode() == "users 1  changed  name: log a, table c\n"
    told = json.loads(shell.run("reconcile", shell.app, shell.log, "--json", code=3).stdout)
    assert told == {"table": "users", "row": "1", "kind": "changed", "columns": {"name": {"log": "a", "table": "c"}}}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_where_nothing_is_watched_nothing_is_said_to_be_accounted_for(shell: Shell) -> None:
    shell.run("init", shell.log)
    shell.run("watch", shell.app, "--all")
    shell.run("unwatch", shell.app, "users")
    assert b"No table is watched there" in shell.run("reconcile", shell.app, shell.log, code=3).stderr
