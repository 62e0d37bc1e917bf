"""`portal run`: the first start, the next one, the one that cannot be, and the end."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.desk import OWNER, PASSWORD, Desk, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = 20.0  # seconds; a slow machine's patience, not a promise


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Starts portals on one directory, and ends them all."""
    started: list[Desk] = []

    def start_one(*options: str, data: Path = tmp_path / "data", **environ: str) -> Desk:
        started.append(Desk.start(data, *options, **environ))
        return started[-1]

    yield start_one
    for desk in started:
        desk.close()


def counts(desk: Desk) -> dict[str, int]:
    tables = ("organizations", "users", "licenses", "configurations")
    with closing(sqlite3.connect(desk.data / "portal.db")) as db:
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_starting_again_on_the_same_directory_changes_nothing(start: Callable[..., Desk]) -> None:
    first = start()
    before, entries = counts(first), len(first.settled("-action:LICENSE_EXPIRED"))
    assert before["licenses"] > 0, "there is something to look at"
    first.close()
    again = start()
    assert counts(again) == before
    assert len(again.settled("-action:LICENSE_EXPIRED")) >= entries
    assert again.verify().returncode == 0
    assert "Password" not in "\n".join(again.printed)
    with again.signed_in() as owner:
        assert owner.get("/audit/").status_code == 200


def test_two_portals_on_one_directory_at_once_share_it_without_harm(start: Callable[..., Desk]) -> None:
    left, right = start(), start()
    with left.signed_in() as one, right.signed_in() as other:
        for number in range(10):
            one.organization(f"Left {number}")
            other.organization(f"Right {number}")
        names = [entry["entity"]["name"] for entry in one.entries("org_created user:owner@")]
        assert sorted(names) == sorted(f"{side} {number}" for side in ("Left", "Right") for number in range(10))
        assert other.entries("org_created user:owner@") == one.entries("org_created user:owner@")
    assert left.verify().returncode == 0
    assert "ERROR" not in left.complaints()


def test_an_empty_start_holds_the_administrator_and_nothing_else(start: Callable[..., Desk]) -> None:
    desk = start("--empty")
    assert counts(desk) == {"organizations": 0, "users": 1, "licenses": 0, "configurations": 1}
    with desk.signed_in() as owner:
        actions = [entry["action"] for entry in owner.entries("-action:AUDIT_CAPTURE_STARTED")]
    assert actions == ["CONFIG_SAVED", "USER_CREATED", "USER_SIGNED_IN"]


def test_the_first_password_opens_only_the_page_where_it_is_changed(start: Callable[..., Desk]) -> None:
    desk = start("--empty", PORTAL_ADMIN_PASSWORD="")
    shown = re.search(r"Password: (\S+)", "\n".join(desk.printed))
    assert shown
    with desk.visitor() as admin:
        assert admin.post("/sign-in", email=OWNER, password=shown[1]).status_code == 303
        for path in ("/", "/organizations", "/users/new", "/audit/", "/audit/entry/0", "/audit/export?format=csv"):
            answer = admin.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/account/password"), path
        assert admin.post("/organizations/new", name="Early", plan="free").status_code == 303
        assert counts(desk)["organizations"] == 0
        changed = admin.post("/account/password", current_password=shown[1], new_password=PASSWORD)
        assert changed.status_code == 303
        assert admin.get("/").status_code == 200
    with desk.visitor() as admin:
        assert admin.post("/sign-in", email=OWNER, password=shown[1]).status_code == 422
        assert admin.post("/sign-in", email=OWNER, password=PASSWORD).status_code == 303
        (entry,) = admin.entries("password_changed")
    assert entry["actor"]["email"] == OWNER
    assert entry["changes"]["password_hash"] == {"old": {"redacted": True}, "new": {"redacted": True}}
    for name in ("audit.db", "audit.db-wal", "portal.db", "portal.db-wal"):
        assert shown[1].encode() not in (desk.data / name).read_bytes(), "it is written nowhere"


def refused(data: Path | str, *options: str, folder: Path, **environ: str) -> str:
    """What is said by a portal that cannot start."""
    process = subprocess.run(
        command("portal", "run", "--data", data, *(options or ("--port", "0"))),
        capture_output=True, text=True, check=False, env=environment(**environ), cwd=folder, timeout=SOON,
    )  # fmt: skip
    assert (process.returncode, process.stdout) == (1, ""), process.stderr
    assert "Traceback" not in process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    return process.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in refused(tmp_path / "data", "--port", port, folder=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@db/portal",
        "mysql://db/portal",
        "mongodb://db",
        "sqlite://",
        "nonsense",
        "sqlite:////",
    ],
)
def test_a_database_that_cannot_be_used_is_said_without_its_password(tmp_path: Path, url: str) -> None:
    said = refused(tmp_path / "data", folder=tmp_path, DATABASE_URL=url)
    assert "hunter2" not in said
    assert "sqlite:///" in said or "DATABASE_URL" in said


def a_file(place: Path) -> Path:
    place.write_text("not a directory")
    return place


def a_garbled(name: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        place.mkdir()
        (place / name).write_bytes(b"this is no database, whatever its name says " * 100)
        return place

    return make


def a_folder_for_a_file(name: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        (place / name).mkdir(parents=True)
        return place

    return make


ABSURD: dict[str, Callable[[Path], Path]] = {
    "a file": a_file,
    "below a file": lambda place: a_file(place) / "data",
    "a name too long": lambda place: place / ("x" * 300),
    "a path too long": lambda place: place.joinpath(*["x" * 200] * 30),
    "a device": lambda _: type(_)("/dev/null"),
    "below /proc": lambda _: type(_)("/proc/self/data"),
    "portal.db is no database": a_garbled("portal.db"),
    "audit.db is no database": a_garbled("audit.db"),
    "audit.db.key is no key": a_garbled("audit.db.key"),
    "portal.db is a folder": a_folder_for_a_file("portal.db"),
    "audit.db is a folder": a_folder_for_a_file("audit.db"),
}


@pytest.mark.parametrize("directory", ABSURD)
def test_a_directory_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path, directory: str) -> None:
    place = ABSURD[directory](tmp_path / "place")
    assert len(refused(place, folder=tmp_path, PORTAL_ADMIN_PASSWORD=PASSWORD)) > 20


AS_NOBODY = """
import os, sys
from pathlib import Path
import portal.app  # before the change of user: whose Python this is need not be readable by the other
from portal.cli import run
if os.geteuid() == 0:  # root may write everywhere
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
run(Path(sys.argv[1]), port=0)
"""


def test_a_directory_of_somebody_else_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, name], capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_whose_key_is_gone_is_not_given_another(start: Callable[..., Desk], tmp_path: Path) -> None:
    desk = start("--empty")
    desk.close()
    (desk.data / "audit.db.key").rename(tmp_path / "elsewhere")
    assert "key" in refused(desk.data, folder=tmp_path)
    (tmp_path / "elsewhere").rename(desk.data / "audit.db.key")
    assert start().verify().returncode == 0


@pytest.mark.parametrize(
    "name", ["with spaces", "a?b=c", "a#b", "100%25", "Ünïcode 🦊", "-dash", "a'b\"c", "new\nline"]
)
def test_any_other_name_of_a_directory_will_do(start: Callable[..., Desk], tmp_path: Path, name: str) -> None:
    desk = start("--empty", data=tmp_path / name)
    assert (tmp_path / name / "portal.db").is_file()
    assert (tmp_path / name / "audit.db").is_file()
    with desk.signed_in() as owner:
        assert len(owner.entries("-action:AUDIT_CAPTURE_STARTED")) == 3
    assert {path.name for path in tmp_path.iterdir()} == {name, (tmp_path / name).with_suffix(".log").name}


def test_health_is_open_to_anybody_and_says_how_much_is_sealed(start: Callable[..., Desk]) -> None:
    desk = start("--empty")
    with desk.visitor() as anybody:
        health = anybody.get("/healthz")
        assert health.status_code == 200
        assert set(health.json()) >= {"status", "size", "signed", "pending", "seal_lag_seconds"}
    with desk.signed_in() as owner:
        owner.organization("Healthy")
        size = len(owner.entries())
        deadline = time.monotonic() + SOON
        while (health := owner.get("/healthz")).json()["signed"] < size + 1 and time.monotonic() < deadline:
            time.sleep(0.05)
    counts = {"size": size + 1, "signed": size + 1, "pending": 0}
    sealed = {"status": "ok", **counts, "seal_lag_seconds": 0.0, "drifted": []}
    assert health.json() == sealed, "the export is an entry too"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_within_three_seconds_though_somebody_is_connected(
    start: Callable[..., Desk], number: signal.Signals
) -> None:
    desk = start("--empty")
    with desk.signed_in() as owner:
        owner.organization("Last words")
        told = time.monotonic()
        desk.process.send_signal(number)
        assert desk.process.wait(SOON) == 0
        assert time.monotonic() - told < 3
    assert [entry["entity"]["name"] for entry in start().settled("org_created")] == ["Last words"]


def test_a_change_is_on_the_audit_page_in_the_very_next_request(start: Callable[..., Desk]) -> None:
    desk = start("--empty")
    with desk.signed_in() as owner:
        organization = owner.organization("Swift")
        for number in range(30):
            answer = owner.post(f"/organizations/{organization}/name", name=f"Swift {number}")
            assert answer.status_code == 303
            page = owner.get("/audit/", q="org_renamed").text
            assert f"Swift {number}</td>" in page or f"→ Swift {number}" in page, number


def test_a_license_that_is_due_expires_by_the_hand_of_the_named_job(start: Callable[..., Desk]) -> None:
    desk = start(PORTAL_JOB_SECONDS="0.1")
    deadline = time.monotonic() + SOON
    while not (found := desk.sealed("license_expired")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (entry,) = found
    assert (entry["actor"]["type"], entry["actor"]["name"]) == ("system", "license-expiry")
    assert entry["changes"] == {"status": {"old": "active", "new": "expired"}}
    assert entry["context"]["source"] == "job"
    with desk.signed_in() as owner:
        assert "license-expiry" in owner.get("/audit/", q="license_expired").text
