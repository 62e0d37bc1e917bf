"""What the portal does by itself. `indelible` runs it when it is due, in one server of several, and shows that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal import clock
from portal.services import invitations, licenses

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    import indelible

    Sessions = Callable[[], Session]


def schedule(audit: indelible.Audit, sessions: Sessions, seconds: float) -> None:
    often = f"every {max(1, round(seconds))}s"
    audit.schedule("license-expiry", often, lambda: _told(expire_licenses(sessions, clock.today()), "expired"))
    audit.schedule("license-warnings", often, lambda: _told(warn_of_licenses(sessions, clock.today()), "warned of"))
    audit.schedule("invitations-lapsing", often, lambda: _told(lapse_invitations(sessions, clock.now()), "lapsed"))


def expire_licenses(sessions: Sessions, today: date) -> int:
    """Those whose last day has passed. Gives how many."""
    with sessions() as db:
        due = licenses.due(db, today)
        for license_ in due:
            license_.status = "expired"
        db.commit()
    return len(due)


def warn_of_licenses(sessions: Sessions, today: date) -> int:
    """Those that end within a month, a week or a day: once for each of these. Gives how many."""
    with sessions() as db:
        warnings = licenses.warnings_due(db, today)
        db.add_all(warnings)
        db.commit()
    return len(warnings)


def lapse_invitations(sessions: Sessions, now: datetime) -> int:
    """Those that nobody followed in time: their link leads nowhere any more. Gives how many."""
    with sessions() as db:
        due = invitations.lapsed(db, now)
        for user in due:
            user.invitation_token_hash = user.invitation_expires_at = None
        db.commit()
    return len(due)


def _told(count: int, what: str) -> str | None:
    return f"{count} {what}" if count else None
