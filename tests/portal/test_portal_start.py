"""Starting and stopping: the first time, the second time, and when it cannot."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from portal.app import create_app
from portal.errors import SettingsError
from portal.models import Configuration, License, Organization, User
from portal.settings import read_settings
from tests.portal.northdesk import OWNER, PASSWORD, Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from portal.first_start import FirstAdmin
    from portal.settings import Settings


def test_the_first_start_makes_a_plausible_portal_and_the_second_leaves_it_alone(
    make_settings: Callable[..., Settings],
) -> None:
    announced: list[FirstAdmin] = []
    settings = make_settings(empty=False, admin_password=None, job_seconds=0.05)
    with TestClient(create_app(settings, announced.append)) as client:
        desk = Desk(client.app)  # type: ignore[arg-type]
        counts = [len(desk.rows(model)) for model in (Organization, User, License, Configuration)]
        assert counts == [4, 9, 14, 2]
        assert {user.status for user in desk.rows(User)} == {"invited", "active", "deactivated"}
        browser = desk.signed_in(OWNER, announced[0].password or "")
        assert browser.get("/").headers["location"] == "/account/password"
        entries = list(desk.entries())
        assert {entry.actor.name for entry in entries if entry.actor.type == "system"} <= {
            "indelible",  # tells that the tables are watched
            "first-start",
            "license-warnings",
            "license-expiry",
        }
        assert sum(entry.action == "LICENSE_ISSUED" for entry in entries) == 14
    with TestClient(create_app(settings, announced.append)) as client:
        desk = Desk(client.app)  # type: ignore[arg-type]
        assert [len(desk.rows(model)) for model in (Organization, User, License, Configuration)] == counts
    assert len(announced) == 1


def test_an_empty_start_has_the_administrator_and_nothing_else(desk: Desk) -> None:
    assert [user.email for user in desk.rows(User)] == [OWNER]
    assert desk.rows(Organization) == []
    assert desk.signed_in().get("/").status_code == 200, "a password that was given need not be changed"


def test_the_password_is_announced_before_the_commit_so_that_a_crash_never_loses_it(
    make_settings: Callable[..., Settings],
) -> None:
    def crash(_admin: FirstAdmin) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_app(make_settings(), crash)
    announced: list[FirstAdmin] = []
    with TestClient(create_app(make_settings(), announced.append)):
        assert len(announced) == 1


def test_the_database_is_careful(desk: Desk) -> None:
    with desk.portal.database.reading() as db:
        wanted = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000, "synchronous": 2}
        for pragma, value in wanted.items():
            assert db.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"PORTAL_ADMIN_EMAIL": "nobody"}, "PORTAL_ADMIN_EMAIL"),
        ({"PORTAL_ADMIN_PASSWORD": "short"}, "PORTAL_ADMIN_PASSWORD has 5 characters"),
        ({"SMTP_URL": "http://x"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://x:99999"}, "SMTP_URL"),
        ({"PORTAL_URL": "portal"}, "PORTAL_URL"),
        ({"PORTAL_JOB_SECONDS": "soon"}, "PORTAL_JOB_SECONDS"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, environ: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        read_settings(tmp_path, environ=environ)


def portal(data: Path, *options: str, **environ: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "portal", "run", "--data", str(data), *options]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PORTAL_", "SMTP_", "DATABASE_"))}
    tmp = next(parent for parent in data.parents if parent.is_dir())
    return subprocess.Popen(
        command, env=env | environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = portal(tmp_path / "data", "--port", "0", "--empty")
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if "http://" in line:
            break
    yield process, lines
    process.kill()
    process.communicate()


def test_the_command_prints_address_and_password_serves_and_stops_when_told(
    running: tuple[subprocess.Popen[str], list[str]], tmp_path: Path
) -> None:
    process, lines = running
    assert lines[0] == "First administrator: admin@northdesk.test"
    assert re.fullmatch(r"Password: \S{16}  \(shown only now.*\)", lines[1])
    address = lines[2].removeprefix("Northdesk is at ")
    with urllib.request.urlopen(f"{address}/healthz") as answer:  # noqa: S310 -- our own address
        assert answer.status == 200
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    again = portal(tmp_path / "data", "--port", "0")
    try:
        assert again.stdout
        assert again.stdout.readline().startswith("The administrator exists already")
        assert again.stdout.readline().startswith("Northdesk is at http://127.0.0.1:")
        again.send_signal(signal.SIGINT)
        assert again.wait(15) == 0
    finally:
        again.kill()
        again.communicate()


def refused(data: Path, *options: str, **environ: str) -> str:
    process = portal(data, *options, **environ)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 1, (out, error)
    assert "Traceback" not in error
    assert error.count("\n") <= 2, "one clear sentence"
    return error


def test_a_port_in_use_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        message = refused(tmp_path / "data", "--port", port)
    assert f"Cannot listen on 127.0.0.1:{port}" in message
    assert "--port" in message
    assert not (tmp_path / "data" / "portal.db").exists()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nonsense", "DATABASE_URL cannot be used"),
        ("oracle9://x/y", "DATABASE_URL cannot be used"),
        ("sqlite://", "in memory"),
        ("sqlite:////nowhere/at/all/portal.db", "cannot be opened"),
    ],
)
def test_a_bad_database_url_is_said(tmp_path: Path, url: str, complaint: str) -> None:
    assert complaint in refused(tmp_path / "data", "--port", "0", DATABASE_URL=url)


def test_a_data_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "The data directory" in refused(tmp_path / "file" / "data", "--port", "0")


def test_the_admin_of_the_environment_need_not_change_the_password(tmp_path: Path) -> None:
    settings = read_settings(
        tmp_path / "data", empty=True, environ={"PORTAL_ADMIN_EMAIL": OWNER, "PORTAL_ADMIN_PASSWORD": PASSWORD}
    )
    with TestClient(create_app(settings)) as client:
        desk = Desk(client.app)  # type: ignore[arg-type]
        assert desk.signed_in().get("/").status_code == 200
