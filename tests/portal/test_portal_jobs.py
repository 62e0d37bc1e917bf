"""What happens to licenses and invitations without anybody doing it."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from portal import clock
from portal.app import create_app
from portal.jobs import expire_licenses, lapse_invitations, warn_of_licenses
from portal.models import License, LicenseWarning, User
from tests.portal.northdesk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.settings import Settings

TODAY = date(2026, 11, 20)


def license_of(desk: Desk, organization: str, days: int, today: date = TODAY, **values: str) -> str:
    return desk.add(
        License(
            organization_id=organization,
            product=f"{days} {values}",
            license_key=f"{days} {values}",
            expires_on=today + timedelta(days=days),
            **values,
        )
    )


def test_a_license_is_good_through_its_last_day_and_expires_after_it(desk: Desk) -> None:
    acme = desk.organization()
    over, last_day, revoked = (
        license_of(desk, acme, -1),
        license_of(desk, acme, 0),
        license_of(desk, acme, -5, status="revoked"),
    )
    assert expire_licenses(desk.portal.database.writing, TODAY) == 1
    assert [desk.row(License, row).status for row in (over, last_day, revoked)] == ["expired", "active", "revoked"]
    assert expire_licenses(desk.portal.database.writing, TODAY) == 0


def test_a_license_is_warned_of_a_month_a_week_and_a_day_ahead_once_each(desk: Desk) -> None:
    license_ = license_of(desk, desk.organization(), 40)
    warned = []
    for day in range(42):
        warn_of_licenses(desk.portal.database.writing, TODAY + timedelta(days=day))
        warned.append(len(desk.rows(LicenseWarning)))
    assert [day for day in range(1, 42) if warned[day] > warned[day - 1]] == [10, 33, 39]
    entries = [entry for entry in desk.entries() if entry.action == "LICENSE_EXPIRY_WARNED"]
    assert [(entry.entity.type, entry.entity.id) for entry in entries] == [("License", license_)] * 3
    assert [entry.changes["days_ahead"]["new"] for entry in entries] == [30, 7, 1]


def test_who_was_away_is_warned_once_and_a_renewed_license_is_warned_of_anew(desk: Desk) -> None:
    license_ = license_of(desk, desk.organization(), 3)
    assert [warn_of_licenses(desk.portal.database.writing, TODAY) for _ in range(2)] == [1, 0]
    desk.change(License, license_, expires_on=TODAY + timedelta(days=5))
    assert warn_of_licenses(desk.portal.database.writing, TODAY) == 1
    assert [row.days_ahead for row in desk.rows(LicenseWarning)] == [7, 7]


def test_an_invitation_that_nobody_followed_lapses_and_its_link_leads_nowhere(desk: Desk) -> None:
    now = clock.now()
    over = desk.user("late@acme.test", status="invited", password_hash=None, invitation_token_hash="h",
                     invitation_expires_at=now - timedelta(seconds=1))  # fmt: skip
    open_ = desk.user("soon@acme.test", status="invited", password_hash=None, invitation_token_hash="g",
                      invitation_expires_at=now + timedelta(hours=1))  # fmt: skip
    assert [lapse_invitations(desk.portal.database.writing, now) for _ in range(2)] == [1, 0]
    assert desk.row(User, over).invitation_token_hash is None
    assert desk.row(User, open_).invitation_token_hash == "g"
    entry = list(desk.entries())[-1]
    assert (entry.action, entry.entity.id) == ("USER_INVITATION_LAPSED", over)
    owner = desk.signed_in()
    assert "has lapsed" in owner.get(f"/users/{over}").text
    assert owner.get("/").status_code == 200
    assert owner.post(f"/users/{over}/resend").status_code == 200
    assert list(desk.entries())[-1].action == "USER_INVITATION_RESENT"


def test_jobs_run_by_themselves_in_their_own_name_and_are_shown(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings(job_seconds=1))
    with TestClient(app):
        desk = Desk(app)
        license_ = license_of(desk, desk.organization(), -1, clock.today())
        deadline = time.monotonic() + 20
        while desk.row(License, license_).status == "active":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        entry = next(each for each in desk.entries() if each.action == "LICENSE_EXPIRED")
        assert (entry.actor.type, entry.actor.name) == ("system", "license-expiry")
        assert (entry.context.source, entry.reason) == ("job", "every 1s")
        assert entry.changes == {"status": {"old": "active", "new": "expired"}}
        owner = desk.signed_in()
        page = owner.get("/audit/jobs/").text
        while "1 expired" not in page:  # the run ends after what it did is seen
            assert time.monotonic() < deadline
            page = owner.get("/audit/jobs/").text
        for name in (
            "license-warnings",
            "invitations-lapsing",
            "verification",
            "coverage",
            "digests-weekly",
            "tidying",
        ):
            assert name in page
        assert desk.someone("admin", desk.organization("Globex")).get("/audit/jobs/").status_code == 404
