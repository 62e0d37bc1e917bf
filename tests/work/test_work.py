"""Work is written whole or not at all, by one process or several, on every store."""

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import apsw
import msgspec
import psycopg
import pytest
from psycopg import sql

from indelible.errors import LogError
from indelible.log import Log
from indelible.urls import is_postgres, sqlite_path
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.endpoints import endpoint_of
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.postgres import SOCKET
from tests.shell import shell
from tests.world import World

ROW = {"id": "a", "event": "{}"}


@pytest.fixture
def url(either: World) -> str:
    return either.log_url


@pytest.fixture
def work(url: str) -> Iterator[Work]:
    made = open_work(url)
    yield made
    made.close()


def waiting(work: Work) -> list[str]:
    with work.transaction() as statements:
        return [event for (event,) in statements.run("announcements")]


def test_what_fails_leaves_nothing(work: Work) -> None:
    def fails() -> None:
        with work.transaction() as statements:
            statements.run("add_announcement", **ROW)
            raise ZeroDivisionError

    def refused() -> None:
        with work.transaction() as statements:
            statements.many("add_announcement", [ROW, ROW])

    for attempt, error in ((fails, ZeroDivisionError), (refused, LogError)):
        with pytest.raises(error):
            attempt()
        assert waiting(work) == []


def test_many_that_begin_at_once_make_it_once(url: str) -> None:
    made: list[Work] = []
    threads = [threading.Thread(target=lambda: made.append(open_work(url))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    with made[0].transaction() as statements:
        statements.run("add_announcement", **ROW)
    assert [waiting(each) for each in made] == [["{}"]] * 8
    for each in made:
        each.close()


def test_one_holds_and_another_does_not_until_it_is_released(work: Work, url: str) -> None:
    other = open_work(url)
    held = work.hold("webhooks")
    assert held is not None
    assert held.kept()
    assert other.hold("webhooks") is None
    jobs = other.hold("jobs")
    assert jobs is not None, "what is held is a thing of its own"
    held.release()
    again = other.hold("webhooks")
    assert again is not None
    for each in (jobs, again):
        each.release()
    other.close()


HOLDER = """
import sys, time
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.endpoints import endpoint_of
from indelible.work.place import open_work
work = open_work(sys.argv[1])
held = work.hold("webhooks")
with work.transaction() as statements:
    statements.run("add_announcement", id="kept", event="kept")
with work.transaction() as statements:
    statements.run("add_announcement", id="lost", event="lost")
    print("held" if held else "not held", flush=True)
    time.sleep(60)
"""


def test_a_holder_that_is_killed_holds_nothing_and_leaves_no_half(work: Work, url: str) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert work.hold("webhooks") is None
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    held = next(filter(None, (work.hold("webhooks") for _ in range(200))))
    held.release()
    assert waiting(work) == ["kept"]


def test_what_is_asked_after_closing_is_an_error(work: Work) -> None:
    work.close()
    with pytest.raises(LogError, match="closed here already"):
        waiting(work)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db.work").write_bytes(b"")
    with pytest.raises(LogError, match="not what this version keeps there"):
        open_work(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(LogError, match=r"cannot be written: No such file or directory\. Its folder"):
        open_work(f"sqlite:///{tmp_path}/nowhere/a.db")


def test_two_logs_of_one_database_have_each_their_own(pg_url: str) -> None:
    urls = [f"{pg_url}{'&' if '?' in pg_url else '?'}log={name}" for name in ("one", "two")]
    for each in urls:
        Log.create(each).close()
    one, two = map(open_work, urls)
    with one.transaction() as statements:
        statements.run("add_announcement", **ROW)
    assert (waiting(one), waiting(two)) == (["{}"], [])
    held, other = one.hold("webhooks"), two.hold("webhooks")
    assert held is not None
    assert other is not None
    for made in (held, other):
        made.release()
    one.close()
    two.close()


def test_a_hold_outlasts_the_time_after_which_idle_sessions_are_ended(pg_url: str) -> None:
    """Else a job that takes longer would run on another server, too."""
    with closing(psycopg.connect(pg_url, autocommit=True)) as db:
        db.execute(sql.SQL("ALTER DATABASE {} SET idle_session_timeout = 300").format(sql.Identifier(db.info.dbname)))
    Log.create(pg_url).close()
    with closing(open_work(pg_url)) as work:
        held = work.hold("jobs")
        assert held is not None
        time.sleep(1)
        assert held.kept()
        held.release()


def test_a_connection_that_was_lost_is_replaced(pg_url: str) -> None:
    with Log.create(pg_url) as log:
        work = open_work(pg_url)
        held = work.hold("webhooks")
        assert held is not None
        assert waiting(work) == []
        with shell(log, pg_url) as db:
            db.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND application_name = 'indelible'"
            )
        assert waiting(work) == []
        assert not held.kept()
        held.release()
        work.close()


def test_a_server_that_goes_away_as_a_hold_is_asked_for_is_an_error_of_ours(pg_url: str) -> None:
    """As one does that is restarted: it let the client in, and the first statement finds it gone."""
    Log.create(pg_url).close()
    with going_away(pg_url) as (url, gone), closing(open_work(url)) as work:
        gone.set()
        with pytest.raises(LogError, match="cannot be used"):
            work.hold("exports")


@contextmanager
def going_away(url: str) -> Iterator[tuple[str, threading.Event]]:
    """The URL of a server between, which hangs up on whoever says something, once that is set."""
    gone, folder = threading.Event(), psycopg.conninfo.conninfo_to_dict(url)["host"]

    def between(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(f"{folder}/{SOCKET}")
            while True:
                for each, other in ((client, server), (server, client)):
                    if each in select.select([client, server], [], [])[0]:
                        data = each.recv(65536)
                        if not data or (gone.is_set() and data.startswith(b"Q")):
                            return
                        other.sendall(data)

    def serve() -> None:
        with suppress(OSError):  # it was closed
            while True:
                threading.Thread(target=between, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}/{urlsplit(url).path[1:]}", gone


def test_a_writer_of_the_log_may_use_it_without_owning_it(pg_url: str) -> None:
    """The owner makes it; the server's own role, as docs/postgres.md has it, works with it."""
    Log.create(pg_url).close()
    open_work(pg_url).close()
    role = f"server_{secrets.token_hex(4)}"
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {role} LOGIN; GRANT indelible_writer TO {role}".encode())
        try:
            theirs = open_work(as_role(pg_url, role))
            with theirs.transaction() as statements:
                statements.run("add_announcement", **ROW)
            with theirs.transaction() as statements:
                statements.run("drop_announcement", id="a")
            assert waiting(theirs) == []
            theirs.close()
        finally:
            db.execute(f"DROP ROLE {role}".encode())


def test_who_may_not_use_it_is_not_told_that_there_is_no_log(pg_url: str) -> None:
    """PostgreSQL passes over a schema of the path that one may not use, as if it was not there."""
    Log.create(pg_url).close()
    role = f"reader_{secrets.token_hex(4)}"
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {role} LOGIN; GRANT indelible_reader TO {role}".encode())
        try:
            with pytest.raises(LogError, match=r"may not make the schema indelible_work .*Open it once as the owner"):
                open_work(as_role(pg_url, role))
            open_work(pg_url).close()
            with pytest.raises(LogError, match=r"may not use the schema indelible_work .*GRANT indelible_writer TO"):
                open_work(as_role(pg_url, role))
        finally:
            db.execute(f"DROP ROLE {role}".encode())


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


AS_FIRST = """
DROP TABLE saved_view; DROP TABLE export; DROP TABLE api_key;
ALTER TABLE endpoint DROP COLUMN rests_until; ALTER TABLE endpoint DROP COLUMN generations_before;
ALTER TABLE endpoint ADD COLUMN overlap_until bigint NOT NULL DEFAULT 0;
UPDATE endpoint SET overlap_until = 77
"""
ENDPOINT = Endpoint(
    id="wh_1", url="https://hooks.example.com/", filter="", organization=None, contact=None, state="active",
    reason=None, created_at=1, generation=3, generations_before="2@77", cursor=0, failing_since=None, rests_until=0,
)  # fmt: skip


def test_work_of_an_older_format_is_brought_up_to_date(work: Work, url: str) -> None:
    with work.transaction() as statements:
        statements.run("add_announcement", **ROW)
        statements.run("add_endpoint", **msgspec.structs.asdict(ENDPOINT))
    work.close()
    if is_postgres(url):
        with psycopg.connect(url) as server:
            server.execute(f"SET search_path = indelible_work; {AS_FIRST}; UPDATE format SET format = 1")
    else:
        db = apsw.Connection(f"{sqlite_path(url)}.work")
        db.execute(f"{AS_FIRST}; PRAGMA user_version = 1")
        db.close()
    for _ in range(2):
        with closing(open_work(url)) as opened, opened.transaction() as statements:
            assert statements.run("views") == statements.run("exports") == []
            assert len(statements.run("announcements")) == 1
            assert [endpoint_of(row) for row in statements.run("endpoints")] == [ENDPOINT]
