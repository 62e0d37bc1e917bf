"""Changes that go past the portal: another program writes to its database, and the log has them all the same."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.desk import Desk, Entry, Visitor

SHELL = shutil.which("sqlite3")
PYTHON = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=10); db.executescript(sys.argv[2]); db.close()"
SOON = 1.0  # seconds from the commit to the entry
MANY = 2_000


def run(desk: Desk, sql: str, *, shell: bool = SHELL is not None) -> float:
    """Has another process run the statements; gives the moment it was done."""
    program = [str(SHELL), "-bail", "-cmd", ".timeout 10000"] if shell else [sys.executable, "-c", PYTHON]
    subprocess.run([*program, str(desk.data / "portal.db"), sql], check=True, timeout=60)
    return time.monotonic()


def seen(desk: Desk, query: str, count: int, done: float) -> tuple[list[Entry], float]:
    """The entries once there are so many of them, and how long that took. Only the portal's own thread seals."""
    while True:
        found, waited = desk.sealed(query), time.monotonic() - done
        if len(found) >= count or waited > 20 * SOON:
            return found, waited
        time.sleep(0.02)


def rows(desk: Desk, sql: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(desk.data / "portal.db")) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql)]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture
def organization(desk: Desk, request: pytest.FixtureRequest) -> str:
    with desk.signed_in() as owner:
        return owner.organization(f"Raw {request.node.name}"[:120])


def licensed(owner: Visitor, organization: str, *products: str) -> list[str]:
    return [owner.license(organization, product) for product in products]


@pytest.mark.parametrize("shell", [True, False], ids=["sqlite3-shell", "python"])
def test_an_update_in_another_programs_shell_is_in_the_log_within_a_second(
    desk: Desk, organization: str, *, shell: bool
) -> None:
    if shell and SHELL is None:  # `.ci/run` installs it, so it runs there; the other parameter runs everywhere
        pytest.skip("There is no sqlite3 shell on this machine; Python's own driver is tried instead.")
    with desk.signed_in() as owner:
        (license_,) = licensed(owner, organization, "Before")
        done = run(desk, f"UPDATE licenses SET product = 'After' WHERE id = {quoted(license_)}", shell=shell)
        found, waited = seen(desk, f"entity:License/{license_} source:sql", 1, done)
        assert waited < SOON
        assert owner.entries(f"entity:License/{license_} source:sql") == found
    (entry,) = found
    assert entry["action"] == "LICENSE_UPDATED"
    assert entry["changes"] == {"product": {"old": "Before", "new": "After"}}
    assert entry["actor"]["type"] in ("unknown", "database")
    assert (entry["actor"]["id"], entry["actor"]["email"]) == (None, None), "nobody is blamed"
    assert entry["organization"]["id"] == organization


def test_raw_sql_is_never_taken_for_the_work_of_whoever_uses_the_portal_meanwhile(
    desk: Desk, organization: str
) -> None:
    with desk.signed_in() as owner:
        license_, *_ = licensed(owner, organization, "Mixed")
        for number in range(5):
            owner.post(f"/organizations/{organization}/name", name=f"Portal {number}")
            done = run(desk, f"UPDATE licenses SET product = 'Raw {number}' WHERE id = {quoted(license_)}")
        seen(desk, f"entity:License/{license_} source:sql", 5, done)
        for entry in owner.entries(f"org:{organization}"):
            by_portal = entry["entity"]["type"] == "Organization" or entry["operation"] == "create"
            assert entry["actor"]["type"] == ("user" if by_portal else "unknown"), entry


def test_each_row_of_a_bulk_update_has_its_own_entry_with_old_and_new(desk: Desk, organization: str) -> None:
    done = run(
        desk,
        f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
        INSERT INTO licenses (id, organization_id, product, license_key, status, expires_on, created_at)
        SELECT 'lic_bulk' || i, {quoted(organization)}, 'Seat ' || i, 'BULK-' || i, 'active', '2099-12-31',
        '2026-01-01 00:00:00.000000' FROM n""",
    )
    issued, _ = seen(desk, f"org:{organization} license_issued", MANY, done)
    assert len(issued) == MANY
    done = run(desk, "UPDATE licenses SET product = 'Desk ' || substr(product, 6) WHERE id LIKE 'lic_bulk%'")
    renamed, _ = seen(desk, f"org:{organization} license_updated", MANY, done)
    told = {entry["entity"]["id"]: entry["changes"] for entry in renamed}
    assert len(renamed) == len(told) == MANY
    assert told == {f"lic_bulk{i}": {"product": {"old": f"Seat {i}", "new": f"Desk {i}"}} for i in range(1, MANY + 1)}
    assert {entry["actor"]["type"] for entry in renamed} == {"unknown"}


def test_a_delete_tells_of_every_row_it_took_along(desk: Desk, organization: str) -> None:
    with desk.signed_in() as owner:
        for name in ("ann", "bob"):
            desk.accept(owner.invite(f"{name}@{organization.replace('_', '-')}.test", "admin", organization), name)
        licensed(owner, organization, "One", "Two", "Three")
        owner.post("/configuration/new", organization_id=organization, session_hours="8", invitation_days="3",
                   license_term_days="30", support_email="", sign_in_notice="")  # fmt: skip
    mine = f"WHERE organization_id = {quoted(organization)}"
    gone = {
        "Organization": rows(desk, f"SELECT * FROM organizations WHERE id = {quoted(organization)}"),
        "License": rows(desk, f"SELECT * FROM licenses {mine}"),
        "Configuration": rows(desk, f"SELECT * FROM configurations {mine}"),
    }
    users = [row["id"] for row in rows(desk, f"SELECT id FROM users {mine}")]
    done = run(desk, f"PRAGMA foreign_keys = ON; DELETE FROM organizations WHERE id = {quoted(organization)}")
    entries, waited = seen(desk, f"org:{organization} operation:delete", 9, done)
    assert waited < SOON
    assert {entry["actor"]["type"] for entry in entries} == {"unknown"}
    for type_, lost in gone.items():
        told = [entry["changes"] for entry in entries if entry["entity"]["type"] == type_]
        assert sorted(change["id"]["old"] for change in told) == sorted(row["id"] for row in lost)
        for row in lost:
            (change,) = (each for each in told if each["id"]["old"] == row["id"])
            for column in change.keys() & {"name", "plan", "product", "expires_on", "session_hours"}:
                assert change[column] == {"old": row[column]}
    assert sorted(e["entity"]["id"] for e in entries if e["action"] == "USER_REMOVED") == sorted(users)
    assert sum(e["action"] == "USER_SESSION_DELETED" for e in entries) == len(users), "their sessions went too"


def test_a_license_that_loses_its_holder_to_a_delete_is_unassigned_in_the_log(desk: Desk, organization: str) -> None:
    with desk.signed_in() as owner:
        email = f"holder@{organization.replace('_', '-')}.test"
        desk.accept(owner.invite(email, "admin", organization), "Hana Holt")
        (user,) = [row["id"] for row in rows(desk, f"SELECT id FROM users WHERE email = {quoted(email)}")]
        (license_,) = licensed(owner, organization, "Held")
        owner.post(f"/licenses/{license_}/assign", assignee_id=user)
    done = run(desk, f"PRAGMA foreign_keys = ON; DELETE FROM users WHERE id = {quoted(user)}")
    (entry,), waited = seen(desk, f"license_unassigned entity:License/{license_}", 1, done)
    assert waited < SOON
    assert entry["changes"] == {"assignee_id": {"old": user, "new": None, "old_name": "Hana Holt"}}
    assert entry["context"] == {"source": "sql"}


def test_what_was_rolled_back_is_not_in_the_log(desk: Desk, organization: str) -> None:
    with desk.signed_in() as owner:
        (license_,) = licensed(owner, organization, "Kept")
    run(desk, f"BEGIN; UPDATE licenses SET product = 'Undone' WHERE id = {quoted(license_)}; ROLLBACK;")
    done = run(desk, f"UPDATE licenses SET product = 'Done' WHERE id = {quoted(license_)}")
    found, _ = seen(desk, f"entity:License/{license_} source:sql", 1, done)
    assert [entry["changes"]["product"]["new"] for entry in found] == ["Done"]


def test_a_captured_record_cannot_be_rewritten_before_it_is_sealed(desk: Desk, organization: str) -> None:
    with desk.signed_in() as owner:
        (license_,) = licensed(owner, organization, "Forged")
    with pytest.raises(subprocess.CalledProcessError):
        run(
            desk,
            f"BEGIN; UPDATE licenses SET product = 'Truth' WHERE id = {quoted(license_)};"
            "UPDATE indelible_outbox SET operation = 'create'; COMMIT;",
        )
    assert rows(desk, f"SELECT product FROM licenses WHERE id = {quoted(license_)}") == [{"product": "Forged"}]
