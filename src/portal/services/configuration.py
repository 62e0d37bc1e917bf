"""The platform's settings, and what an organization has instead of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.access import Action, Person, require, scope
from portal.errors import NotFoundError, RefusedError
from portal.models import Configuration, Organization
from portal.services.lists import find

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class Values:
    """All the settings of one configuration; they are saved together, as one change."""

    session_hours: int = 12
    invitation_days: int = 7
    license_term_days: int = 365
    support_email: str = ""
    sign_in_notice: str = ""
    invitations_enabled: bool = True


def platform(db: Session) -> Configuration:
    row = db.scalar(select(Configuration).where(Configuration.organization_id.is_(None)))
    if row is None:
        raise NotFoundError("The platform's configuration is missing. Start the portal again to have it made.")
    return row


def effective(db: Session, organization_id: str | None) -> Configuration:
    """What holds for the organization: its own settings if it has any, else the platform's."""
    own = db.scalar(select(Configuration).where(Configuration.organization_id == organization_id))
    return own or platform(db)


def invitations_enabled(db: Session, organization_id: str | None) -> bool:
    """An organization may forbid its admins to invite; it cannot allow what the platform forbids."""
    return platform(db).invitations_enabled and effective(db, organization_id).invitations_enabled


def overrides(db: Session, person: Person, search: str = "") -> list[Configuration]:
    query = (
        select(Configuration)
        .join(Configuration.organization)
        .options(joinedload(Configuration.organization))
        .where(scope(person, Configuration.organization_id))
        .order_by(Configuration.updated_at.desc(), Configuration.id.desc())
    )
    rows = db.scalars(query)
    return [row for row in rows if row.organization and search.casefold() in row.organization.name.casefold()]


def without_override(db: Session, person: Person) -> list[Organization]:
    taken = select(Configuration.organization_id).where(Configuration.organization_id.is_not(None))
    query = select(Organization).where(scope(person, Organization.id), Organization.id.not_in(taken))
    return list(db.scalars(query.order_by(Organization.name)))


def get(db: Session, person: Person, configuration_id: str, action: Action = Action.VIEW) -> Configuration:
    row = find(db, Configuration, configuration_id)
    if row.organization_id is None and action is Action.SAVE_CONFIGURATION:
        action = Action.SAVE_PLATFORM_CONFIGURATION
    require(person, action, row.organization_id)
    return row


def save(db: Session, person: Person, configuration_id: str, values: Values) -> Configuration:
    row = get(db, person, configuration_id, Action.SAVE_CONFIGURATION)
    for name, value in asdict(values).items():
        setattr(row, name, value)
    db.flush()
    return row


def create_override(db: Session, person: Person, organization_id: str, values: Values) -> Configuration:
    require(person, Action.SAVE_CONFIGURATION, organization_id)
    organization = find(db, Organization, organization_id)
    if db.scalar(select(Configuration.id).where(Configuration.organization_id == organization_id)):
        raise RefusedError(f"{organization.name} already has its own settings. Edit those.", "organization_id")
    row = Configuration(organization_id=organization_id, **asdict(values))
    db.add(row)
    db.flush()
    return row


def remove_override(db: Session, person: Person, configuration_id: str) -> None:
    row = get(db, person, configuration_id, Action.SAVE_CONFIGURATION)
    if row.organization_id is None:
        raise RefusedError("The platform's configuration cannot be deleted: every organization rests on it. Edit it.")
    db.delete(row)
    db.flush()
