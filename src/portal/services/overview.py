"""The few numbers somebody looks at first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.access import Person, scope
from portal.models import License, Organization, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

SOON = timedelta(days=30)
_ROWS = 10


@dataclass(frozen=True)
class Overview:
    organizations: int
    suspended: int
    users: int
    licenses: int
    expiring: Sequence[License]
    invited: Sequence[User]


def overview(db: Session, person: Person, today: date) -> Overview:
    organizations = select(Organization).where(scope(person, Organization.id))
    users = select(User).options(joinedload(User.organization)).where(scope(person, User.organization_id))
    licenses = (
        select(License)
        .options(joinedload(License.organization), joinedload(License.assignee))
        .where(scope(person, License.organization_id), License.status == "active")
    )
    expiring = licenses.where(License.expires_on <= today + SOON).order_by(License.expires_on).limit(_ROWS)
    invited = users.where(User.status == "invited").order_by(User.invitation_expires_at).limit(_ROWS)

    def count(query: Select[Any]) -> int:
        return db.scalar(select(func.count()).select_from(query.subquery())) or 0

    return Overview(
        organizations=count(organizations),
        suspended=count(organizations.where(Organization.status == "suspended")),
        users=count(select(User.id).where(scope(person, User.organization_id), User.status == "active")),
        licenses=count(select(License.id).where(scope(person, License.organization_id), License.status == "active")),
        expiring=db.scalars(expiring).all(),
        invited=db.scalars(invited).all(),
    )
