"""Licenses: issue, edit, assign, unassign, renew, revoke, delete; and the expiry that the job does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Action, Person, require, scope
from portal.database import contains
from portal.errors import RefusedError
from portal.models import WARNED_AHEAD, License, LicenseWarning, Organization, User
from portal.services import configuration
from portal.services.lists import Page, find, newest
from portal.tokens import new_license_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SHOWN = (joinedload(License.organization), joinedload(License.assignee))


def listing(db: Session, person: Person, search: str = "", before: str = "") -> Page[License]:
    query = select(License).join(License.organization).outerjoin(License.assignee).options(*_SHOWN)
    query = query.where(scope(person, License.organization_id))
    if search:
        columns = (License.product, Organization.name, User.name, License.id)
        query = query.where(or_(*(contains(column, search) for column in columns)))
    return newest(db, query, License, before)


def get(db: Session, person: Person, license_id: str, action: Action = Action.VIEW) -> License:
    license_ = find(db, License, license_id)
    require(person, action, license_.organization_id)
    return license_


def candidates(db: Session, organization_id: str) -> list[User]:
    """Who may hold a license of the organization."""
    people = select(User).where(User.organization_id == organization_id, User.status != "deactivated")
    return list(db.scalars(people.order_by(User.name)))


def default_expiry(db: Session, organization_id: str | None, today: date) -> date:
    return today + timedelta(days=configuration.effective(db, organization_id).license_term_days)


def issue(db: Session, person: Person, organization_id: str, product: str, expires_on: date | None) -> License:
    """A new license; without a day of its own it runs for the organization's usual term."""
    require(person, Action.MANAGE_LICENSES, organization_id)
    find(db, Organization, organization_id)
    if expires_on is None:
        expires_on = default_expiry(db, organization_id, clock.today())
    license_ = License(
        organization_id=organization_id, product=product, license_key=new_license_key(), expires_on=expires_on
    )
    db.add(license_)
    db.flush()
    return license_


def rename(db: Session, person: Person, license_id: str, product: str) -> None:
    get(db, person, license_id, Action.MANAGE_LICENSES).product = product
    db.flush()


def assign(db: Session, person: Person, license_id: str, user_id: str) -> None:
    license_ = get(db, person, license_id, Action.MANAGE_LICENSES)
    if license_.status != "active":
        raise RefusedError(f"This license is {license_.status}. Renew it, or issue another.", "assignee_id")
    if user_id not in {user.id for user in candidates(db, license_.organization_id)}:
        raise RefusedError("That person is not in the license's organization. Choose one of the list.", "assignee_id")
    license_.assignee_id = user_id
    db.flush()


def unassign(db: Session, person: Person, license_id: str) -> None:
    license_ = get(db, person, license_id, Action.MANAGE_LICENSES)
    if license_.assignee_id is None:
        raise RefusedError("Nobody holds this license. Nothing was changed.")
    license_.assignee_id = None
    db.flush()


def renew(db: Session, person: Person, license_id: str, expires_on: date) -> None:
    license_ = get(db, person, license_id, Action.MANAGE_LICENSES)
    if license_.status == "revoked":
        raise RefusedError("A revoked license cannot be renewed. Issue another.", "expires_on")
    if expires_on <= license_.expires_on:
        raise RefusedError(f"It already runs until {license_.expires_on}. Choose a later day.", "expires_on")
    license_.expires_on = expires_on
    license_.status = "active"
    db.flush()


def revoke(db: Session, person: Person, license_id: str) -> None:
    license_ = get(db, person, license_id, Action.MANAGE_LICENSES)
    if license_.status == "revoked":
        raise RefusedError("This license is already revoked. Nothing was changed.")
    license_.status = "revoked"
    db.flush()


def remove(db: Session, person: Person, license_id: str) -> None:
    db.delete(get(db, person, license_id, Action.MANAGE_LICENSES))
    db.flush()


def warnings_due(db: Session, today: date) -> list[LicenseWarning]:
    """Of the active licenses that end soon: the nearest of WARNED_AHEAD that has come and was not warned of."""
    made = []
    soon = today + timedelta(days=max(WARNED_AHEAD))
    for each in db.scalars(select(License).where(License.status == "active", License.expires_on.between(today, soon))):
        days = min(ahead for ahead in WARNED_AHEAD if each.expires_on <= today + timedelta(days=ahead))
        told = select(LicenseWarning.id).where(
            LicenseWarning.license_id == each.id, LicenseWarning.expires_on == each.expires_on,
            LicenseWarning.days_ahead <= days,
        )  # fmt: skip
        if db.scalar(told.limit(1)) is None:
            made.append(
                LicenseWarning(
                    license_id=each.id, product=each.product, organization_id=each.organization_id,
                    expires_on=each.expires_on, days_ahead=days,
                )
            )  # fmt: skip
    return made


def due(db: Session, today: date) -> list[License]:
    return list(db.scalars(select(License).where(License.status == "active", License.expires_on < today)))
