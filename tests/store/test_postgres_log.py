"""A log in a database: beside other logs, beside the application's tables, in a database of any encoding."""

import sys
from pathlib import Path
from subprocess import run
from uuid import UUID

import psycopg
import pytest

from indelible.errors import LogError, NotFoundError, UsageError
from indelible.event import Actor, Entity, Organization
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import Query, Term
from indelible.store.postgres.sql import FORMAT
from tests.capture.postgres.world import PostgresWorld
from tests.checking import check_signed
from tests.postgres import Server
from tests.store.test_log import happened


def test_logs_of_one_database_know_nothing_of_each_other(pg_url: str) -> None:
    with Log.create(pg_url) as one, Log.create(f"{pg_url}&log=other") as other:
        assert one.origin != other.origin
        event = happened(entity=Entity("License", "1", "Alpha"), organization=Organization("acme", "Acme"))
        one.append([event, *(happened() for _ in range(300))])
        other.append([event])
        assert (len(check_signed(one)), len(check_signed(other))) == (301, 1)
        other.append([happened(entity=Entity("License", "1", "Beta"))])
        assert find(one, Query((Term("entity", "beta"),))).count == 0
        assert find(other, Query((Term("entity", "alpha"),))).count == 1
        assert (len(check_signed(one)), len(check_signed(other))) == (301, 2)
    with pytest.raises(NotFoundError, match="no log third in the database"):
        Log.open(f"{pg_url}&log=third")


def test_a_log_that_the_statistics_lack_is_not_read_through_for_one_row(pg_url: str) -> None:
    """Made beside one that was counted, it was taken for empty: each name was looked for in all of its rows."""
    with Log.create(pg_url) as one, Log.create(f"{pg_url}&log=other"), psycopg.connect(pg_url, autocommit=True) as db:
        one.append(happened(entity=Entity("License", str(n))) for n in range(2000))
        db.execute("ANALYZE")
        of = {"log_id": 2, "type_id": 1, "hash": bytes(32), "id": UUID(int=1), "ids": [1, 2]}
        for asked, index in {
            "entity WHERE log_id = %(log_id)s AND type_id = %(type_id)s AND sha256(key) = %(hash)s": "entity_key",
            "entity WHERE log_id = %(log_id)s AND id = ANY (%(ids)s)": "entity_pkey",
            "entry WHERE log_id = %(log_id)s AND id = %(id)s": "entry_log_id_id_key",
            "entry WHERE log_id = %(log_id)s AND seq = 1": "entry_pkey",
        }.items():
            plan = db.execute(f"EXPLAIN SELECT * FROM indelible_log.{asked}".encode(), of).fetchall()
            assert f" {index} " in str(plan), asked


def test_options_of_a_url_reach_the_server_as_they_are(pg_url: str) -> None:
    with Log.create(f"{pg_url}&options=-c%20work_mem%3D5MB%20-c%20geqo%3Doff") as log:
        assert log.store._readers.query(b"SHOW work_mem") == [("5MB",)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["", "A", "a b", "a+b", "ä", "x" * 64, "-a"])
def test_a_name_that_cannot_name_a_log_is_refused(pg_url: str, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a log"):
        Log.create(f"{pg_url}&log={name}")


NAMES = ["a\0b", "ß", "日本語", "\u2028", "x" * 5000, "'\"\\%s", "a\nb"]


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII", "LATIN1"])
def test_any_text_is_held_whatever_the_databases_encoding(postgres: Server, encoding: str) -> None:
    url = postgres.database(encoding)
    with Log.create(url, "prüfung.example/ü") as log:
        log.append(
            happened(
                entity=Entity(name, name, name), organization=Organization(name, name),
                actor=Actor(id=name, name=name, email=name), operation=name,
            )
            for name in NAMES
        )  # fmt: skip
        log.append(happened(entity=Entity("License", name, "other")) for name in NAMES)
        assert [entry.entity.id for entry in check_signed(log)] == NAMES * 2
        for seq, name in enumerate(NAMES):
            found = find(log, Query((Term("operation", name, quoted=True),)))
            assert [entry.seq for entry in found.entries] == [seq]
    postgres.drop(url)


def test_in_the_applications_database_the_log_is_no_table_of_the_application(tmp_path: Path, pg_url: str) -> None:
    world = PostgresWorld(tmp_path, pg_url, pg_url)
    try:
        assert world.watch_all("CREATE TABLE t (id integer PRIMARY KEY)") == ["t"]
        assert [table.table for table in world.covered()] == ["t"]
        world.db.execute("INSERT INTO t VALUES (1)")
        assert "T_CREATED" in [entry.action for entry in world.sealed()]
        assert world.differences() == []
    finally:
        world.close()


def test_a_log_of_a_later_format_is_not_touched(pg_url: str) -> None:
    Log.create(pg_url).close()
    with psycopg.connect(pg_url) as db:
        db.execute("UPDATE indelible_log.format SET number = number + 1")
    for use in (Log.open, lambda url: Log.create(f"{url}&log=other")):
        with pytest.raises(LogError, match=rf"has format {FORMAT + 1}; this version reads up to {FORMAT}\. Upgrade"):
            use(pg_url)


def test_an_index_that_lacks_a_row_is_found_where_the_server_can_tell(pg_url: str) -> None:
    """With amcheck, which a superuser installs."""
    with Log.create(pg_url) as log, psycopg.connect(pg_url, autocommit=True) as db:
        log.append(happened() for _ in range(10))
        assert log.store.damage() is None
        db.execute("CREATE EXTENSION amcheck")
        assert log.store.damage() is None
        for ready in (False, True):  # in between it is not kept up
            db.execute(
                "UPDATE pg_index SET indisready = %s WHERE indexrelid = 'indelible_log.entry_log_id_id_key'::regclass",
                (ready,),
            )
            db.execute("ALTER TABLE indelible_log.entry SET (fillfactor = 100)")  # so that everybody notices
            log.append([happened()])
        said = log.store.damage()
        assert said is not None
        assert "entry_log_id_id_key" in said


def test_no_error_shows_a_password(pg_url: str) -> None:
    secret = pg_url.replace("postgres@", "postgres:hunter2@")
    for url in (f"{secret}&log=A", f"{secret}&nonsense=1", secret.replace("/test", "/none")):
        with pytest.raises((UsageError, LogError)) as caught:
            Log.open(url)
        assert "hunter2" not in str(caught.value)


def test_the_command_line_does_all_of_it(tmp_path: Path, pg_url: str) -> None:
    def indelible(*arguments: str, code: int = 0) -> str:
        done = run(
            [Path(sys.executable).with_name("indelible"), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    key = indelible("init", pg_url).strip()
    indelible("init", pg_url, code=1)
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("CREATE TABLE license (id integer PRIMARY KEY, plan text)")
        indelible("watch", pg_url, "--all")
        db.execute("INSERT INTO license VALUES (1, 'free')")
        db.execute("UPDATE license SET plan = 'pro'")
    indelible("seal", pg_url, pg_url)
    assert "LICENSE_UPDATED" in indelible("search", pg_url, "license")
    assert indelible("verify", pg_url, "--key", key).startswith("ok ")
    indelible("export", pg_url, "--proof", "-o", str(tmp_path / "all.zip"))
    assert indelible("verify", str(tmp_path / "all.zip"), "--key", key).startswith("ok ")
    (tmp_path / "proof").write_text(indelible("proof", pg_url, "1"))
    assert "LICENSE_CREATED" in indelible("verify", str(tmp_path / "proof"), "--key", key)
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("ALTER TABLE indelible_log.leaf DISABLE TRIGGER ALL")
        db.execute("UPDATE indelible_log.leaf SET line = line || ' ' WHERE seq = 1")
    indelible("verify", pg_url, "--key", key, code=3)


def test_a_log_of_an_older_format_becomes_what_a_new_one_is(pg_url: str) -> None:
    with Log.create(pg_url) as log:
        log.append(happened() for _ in range(10))
    columns = ("at", "action_id", "entity_type_id", "entity_id", "actor_id", "organization_id")
    with psycopg.connect(pg_url) as db:
        for column in columns:
            name = column.removesuffix("_id")
            db.execute(f"CREATE INDEX entry_{name} ON indelible_log.entry (log_id, ((seq >> 12)::integer), {column})")
        db.execute("DROP VIEW indelible_log.own_leaf; UPDATE indelible_log.format SET number = 1")
        db.execute("DROP TRIGGER stays ON indelible_log.entity; DROP TRIGGER stays ON indelible_log.organization")
    opened = [Log.open(pg_url), Log.open(pg_url)]
    with psycopg.connect(pg_url) as db:
        indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'indelible_log' AND indexname ~ '^entry_'"
        assert db.execute(indexes).fetchall() == [(2,)]  # of places and of identities
    for log in opened:
        assert find(log, Query((Term("entity", "lic"),))).count == 10
        assert log.store.lines([3], "acme") == []
        assert log.store.altered() is None
        log.close()


def test_an_older_format_is_left_alone_by_who_may_not_change_it(pg_url: str) -> None:
    Log.create(pg_url).close()
    with psycopg.connect(pg_url) as db:
        db.execute(
            "CREATE INDEX entry_at ON indelible_log.entry (log_id, at); UPDATE indelible_log.format SET number = 1"
        )
        db.execute("CREATE ROLE format_reader LOGIN IN ROLE indelible_reader")
    reader = pg_url.replace("postgres@", "format_reader@", 1)
    try:
        with pytest.raises(LogError, match="Open it once as the owner"):
            Log.open(reader, sign=False)
    finally:
        with psycopg.connect(pg_url) as db:
            db.execute("DROP ROLE format_reader")
