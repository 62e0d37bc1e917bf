"""Sample records for a first look, made through the portal's own services, so that their entries are real.

Nobody in it exists and nobody in it can sign in: the addresses end in .test, the passwords are thrown away.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from portal import clock
from portal.services import configuration, invitations, licenses, organizations, users
from portal.services.configuration import Values

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from portal.access import Person
    from portal.models import User

# name, plan
_ORGANIZATIONS = {
    "acme": ("Acme", "enterprise"),
    "globex": ("Globex", "business"),
    "initech": ("Initech", "team"),
    "umbra": ("Umbra Studio", "free"),
}

# local part, name (None: the invitation is still open), role, organization (None: platform-wide)
_USERS = (
    ("sam.rivers", "Sam Rivers", "admin", None),
    ("noor.vale", "Noor Vale", "auditor", None),
    ("dana.lee", "Dana Lee", "admin", "acme"),
    ("kim.hart", "Kim Hart", "auditor", "acme"),
    ("lou.marsh", "Lou Marsh", "admin", "globex"),
    ("ida.stone", "Ida Stone", "auditor", "globex"),
    ("max.field", "Max Field", "admin", "initech"),
    ("ren.brook", None, "auditor", "initech"),
)
_DEACTIVATED = "ida.stone"

# product, organization, days from today, who holds it
_LICENSES = (
    ("Desk Pro", "acme", 365, "dana.lee"),
    ("Desk Pro", "acme", 365, "kim.hart"),
    ("Desk Pro", "acme", 365, None),
    ("Desk Pro", "acme", 365, None),
    ("Vault", "acme", 20, "dana.lee"),
    ("Analytics", "acme", 180, None),
    ("Desk Pro", "globex", 90, "lou.marsh"),
    ("Desk Pro", "globex", 90, None),
    ("Vault", "globex", 9, "lou.marsh"),
    ("Analytics", "globex", 270, None),
    ("Desk Basic", "initech", 365, "max.field"),
    ("Desk Basic", "initech", 365, None),
    ("Vault", "initech", -1, None),  # due: the job expires it moments after the start
    ("Desk Basic", "umbra", 30, None),
)


def seed(db: Session, person: Person, password_hash: str) -> None:
    ids = {key: organizations.create(db, person, *row).id for key, row in _ORGANIZATIONS.items()}
    people = {row[0]: _user(db, person, row, ids, password_hash) for row in _USERS}
    users.deactivate(db, person, people[_DEACTIVATED].id)
    for product, organization, days, holder in _LICENSES:
        expires_on = clock.today() + timedelta(days=days)
        license_ = licenses.issue(db, person, ids[organization], product, expires_on)
        if holder:
            licenses.assign(db, person, license_.id, people[holder].id)
    acme = Values(session_hours=8, license_term_days=730, support_email="help@acme.test")
    configuration.create_override(db, person, ids["acme"], acme)
    organizations.suspend(db, person, ids["umbra"])


def _user(
    db: Session, person: Person, row: tuple[str, str | None, str, str | None], ids: dict[str, str], password_hash: str
) -> User:
    local, name, role, organization = row
    email = f"{local}@{organization or 'northdesk'}.test"
    invitation = invitations.invite(db, person, email, role, ids[organization] if organization else None)
    if name:
        invitations.accept(db, invitation.token, name, password_hash)
    return invitation.user
