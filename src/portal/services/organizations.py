"""Organizations: create, rename, plan, suspend, reactivate, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from portal.access import Action, Person, require, scope
from portal.database import contains
from portal.errors import RefusedError
from portal.models import Configuration, License, Organization, User, UserSession
from portal.services.lists import Page, find, newest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

_NAMED = 10


@dataclass(frozen=True)
class Dependants:
    """What goes when an organization goes; the first few by name."""

    users: int
    licenses: int
    user_names: Sequence[str]
    license_names: Sequence[str]
    configuration: bool


def listing(db: Session, person: Person, search: str = "", before: str = "") -> Page[Organization]:
    query = select(Organization).where(scope(person, Organization.id))
    if search:
        query = query.where(contains(Organization.name, search))
    return newest(db, query, Organization, before)


def choices(db: Session, person: Person) -> list[Organization]:
    """Every organization the person may put something into, by name."""
    return list(db.scalars(select(Organization).where(scope(person, Organization.id)).order_by(Organization.name)))


def get(db: Session, person: Person, organization_id: str, action: Action = Action.VIEW) -> Organization:
    require(person, action, organization_id)
    return find(db, Organization, organization_id)


def create(db: Session, person: Person, name: str, plan: str) -> Organization:
    require(person, Action.CREATE_ORGANIZATION, None)
    organization = Organization(name=name, plan=plan)
    db.add(organization)
    db.flush()
    return organization


def rename(db: Session, person: Person, organization_id: str, name: str) -> None:
    get(db, person, organization_id, Action.RENAME_ORGANIZATION).name = name
    db.flush()


def change_plan(db: Session, person: Person, organization_id: str, plan: str) -> None:
    get(db, person, organization_id, Action.CHANGE_PLAN).plan = plan
    db.flush()


def suspend(db: Session, person: Person, organization_id: str) -> None:
    _set_status(db, person, organization_id, "suspended")


def reactivate(db: Session, person: Person, organization_id: str) -> None:
    _set_status(db, person, organization_id, "active")


def _set_status(db: Session, person: Person, organization_id: str, status: str) -> None:
    organization = get(db, person, organization_id, Action.SUSPEND_ORGANIZATION)
    if organization.status == status:
        raise RefusedError(f"{organization.name} is already {status}. Nothing was changed.")
    organization.status = status
    db.flush()


def dependants(db: Session, organization: Organization) -> Dependants:
    users = select(User).where(User.organization_id == organization.id)
    licenses = select(License).where(License.organization_id == organization.id)
    return Dependants(
        users=db.scalar(select(func.count()).select_from(users.subquery())) or 0,
        licenses=db.scalar(select(func.count()).select_from(licenses.subquery())) or 0,
        user_names=[user.name for user in db.scalars(users.order_by(User.name).limit(_NAMED))],
        license_names=_products(db, organization),
        configuration=db.scalar(select(Configuration.id).where(Configuration.organization_id == organization.id))
        is not None,
    )


def _products(db: Session, organization: Organization) -> list[str]:
    query = select(License.product, func.count()).where(License.organization_id == organization.id)
    rows = db.execute(query.group_by(License.product).order_by(License.product).limit(_NAMED))
    return [product if count == 1 else f"{count} × {product}" for product, count in rows]


def remove(db: Session, person: Person, organization_id: str) -> None:
    """Children first, so that each of them is still recorded with its organization's name."""
    organization = get(db, person, organization_id, Action.DELETE_ORGANIZATION)
    users = select(User.id).where(User.organization_id == organization.id)
    db.execute(delete(License).where(License.organization_id == organization.id))
    db.execute(delete(Configuration).where(Configuration.organization_id == organization.id))
    db.execute(delete(UserSession).where(UserSession.user_id.in_(users)))
    db.execute(delete(User).where(User.organization_id == organization.id))
    db.execute(delete(Organization).where(Organization.id == organization.id))
