"""The expiry of licenses, without anybody doing it."""

from __future__ import annotations

import logging
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from portal import clock
from portal.jobs import Scheduler, run_due
from portal.models import License

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.orm import Session

    from tests.portal.northdesk import Desk

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
    assert run_due(desk.portal.database.writing, TODAY) == 1
    assert [desk.row(License, row).status for row in (over, last_day, revoked)] == ["expired", "active", "revoked"]
    assert run_due(desk.portal.database.writing, TODAY) == 0


def test_the_expiry_is_recorded_as_the_jobs_own_doing(desk: Desk) -> None:
    license_of(desk, desk.organization(), -1)
    run_due(desk.portal.database.writing, TODAY)
    entry = list(desk.entries())[-1]
    assert (entry.action, entry.actor.type, entry.actor.name) == ("LICENSE_EXPIRED", "system", "license-expiry")
    assert entry.context.source == "job"
    assert entry.changes == {"status": {"old": "active", "new": "expired"}}


def test_the_scheduler_goes_on_after_a_failure(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    license_ = license_of(desk, desk.organization(), -1, clock.today())
    failures = iter([True, False, False])

    def sometimes() -> Session:
        if next(failures, False):
            raise RuntimeError("the database is away")
        return desk.portal.database.writing()

    scheduler = Scheduler(sometimes, 0.01)
    with caplog.at_level(logging.ERROR):
        scheduler.start()
        deadline = time.monotonic() + 10
        while desk.row(License, license_).status == "active" and time.monotonic() < deadline:
            time.sleep(0.01)
        scheduler.stop()
    assert desk.row(License, license_).status == "expired"
    assert "license-expiry failed" in caplog.text
