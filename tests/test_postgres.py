"""The server that the suites share: there when asked for, empty each time, and gone with whoever started it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Server

STARTS = (
    "import sys, pathlib, time; from tests.postgres import Server;"
    "Server.start(pathlib.Path(sys.argv[1])); print('started', flush=True); time.sleep(600)"
)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_database_is_new(postgres: Server) -> None:
    urls = [postgres.database(), postgres.database()]
    for url in urls:
        with psycopg.connect(url) as db:
            db.execute("CREATE TABLE t (x int)")
            assert db.execute("SELECT count(*) FROM pg_class WHERE relname = 't'").fetchone() == (1,)
    for url in urls:
        postgres.drop(url)


def test_a_database_is_dropped_though_a_connection_is_open(postgres: Server) -> None:
    url = postgres.database()
    with psycopg.connect(url) as db:
        postgres.drop(url)
        with pytest.raises(psycopg.OperationalError):
            db.execute("SELECT 1")


def test_transactions_can_be_prepared(pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        assert db.execute("SHOW max_prepared_transactions").fetchone() != ("0",)


def test_a_folder_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"would have a path of \d+ bytes, at most 103 work"):
        Server.start(tmp_path / ("x" * 120))


def test_the_server_ends_with_whoever_started_it() -> None:
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        command = [sys.executable, "-c", STARTS, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent) as starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == b"started\n"
            server = int((Path(folder) / "data/postmaster.pid").read_text().split()[0])
            assert running(server)
            starter.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while running(server) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not running(server)
