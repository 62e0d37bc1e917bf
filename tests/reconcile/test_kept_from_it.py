"""What keeps a database from being compared is said in a sentence, and what need not does not."""

import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from indelible.capture.source import open_source
from indelible.errors import CaptureError
from tests.cli.conftest import Shell


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_of_a_database_that_was_never_watched_it_is_said_and_what_watches_it(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    bare = Shell(tmp_path)
    bare.run("init", bare.log)
    url = bare.app if engine == "sqlite" else request.getfixturevalue("pg_url")
    said = bare.refused("reconcile", url, bare.log, code=1)
    where, named = (f"{tmp_path}/app.db", url) if engine == "sqlite" else ("this database", "APP")
    assert said == f"indelible: Nothing is watched in {where}. Start with: indelible watch {named} --all\n"


SLOW = 0.3  # seconds; the server ends whoever waits for a third of that


def test_a_server_that_ends_who_waits_in_a_transaction_ends_no_reconciliation(pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 2000)")
        with closing(open_source(pg_url)) as source:
            source.watch(None, None)
        db.execute(f"ALTER DATABASE {db.info.dbname} SET idle_in_transaction_session_timeout = '100ms'".encode())
    with closing(open_source(pg_url)) as source, closing(source.snapshot()) as snapshot:
        (definition,) = snapshot.watched()
        found = 0
        for found, _ in enumerate(snapshot.rows(definition), 1):
            if found == 1:
                time.sleep(SLOW)
        assert found == 2000


def test_a_connection_that_is_lost_meanwhile_is_said_in_a_sentence(pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 2000)")
        with closing(open_source(pg_url)) as source:
            source.watch(None, None)
            with closing(source.snapshot()) as snapshot:
                rows = snapshot.rows(snapshot.watched()[0])
                next(rows)
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'indelible' AND datname = current_database()"
                )
                with pytest.raises(CaptureError, match=r"The database cannot be read: .*terminat.* Try again\."):
                    list(rows)
