"""Users after their invitation: name, role, deactivation, removal. The last owner is protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Action, Person, require, scope
from portal.database import contains
from portal.errors import RefusedError
from portal.models import License, Organization, User, UserSession
from portal.services.lists import Page, find, newest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def listing(db: Session, person: Person, search: str = "", before: str = "") -> Page[User]:
    query = select(User).outerjoin(User.organization).options(joinedload(User.organization))
    query = query.where(scope(person, User.organization_id))
    if search:
        query = query.where(or_(*(contains(column, search) for column in (User.name, User.email, Organization.name))))
    return newest(db, query, User, before)


def get(db: Session, person: Person, user_id: str, action: Action = Action.VIEW) -> User:
    """The user, if the person may do this to them."""
    user = find(db, User, user_id)
    require(person, action, user.organization_id)
    if user.role == "owner" and action is not Action.VIEW:
        require(person, Action.MANAGE_OWNERS, user.organization_id)
    return user


def licenses_of(db: Session, user: User) -> list[License]:
    return list(db.scalars(select(License).where(License.assignee_id == user.id).order_by(License.product)))


def rename(db: Session, person: Person, user_id: str, name: str) -> None:
    get(db, person, user_id, Action.RENAME_USER).name = name
    db.flush()


def change_role(db: Session, person: Person, user_id: str, role: str) -> None:
    user = get(db, person, user_id, Action.CHANGE_ROLE)
    if role == user.role:
        return
    if role == "owner":
        require(person, Action.MANAGE_OWNERS, user.organization_id)
        if user.organization_id is not None:
            raise RefusedError("An owner is platform-wide; this user belongs to an organization.", "role")
    _protect(db, person, user, "role")
    user.role = role
    db.flush()


def deactivate(db: Session, person: Person, user_id: str) -> None:
    """Also ends the user's sessions: a reactivated user signs in anew."""
    user = get(db, person, user_id, Action.DEACTIVATE_USER)
    _protect(db, person, user)
    if user.status != "active":
        raise RefusedError(f"{user.name} is {user.status}, not active. Only active users can be deactivated.")
    user.status = "deactivated"
    db.flush()
    end_sessions(db, user.id)


def reactivate(db: Session, person: Person, user_id: str) -> None:
    user = get(db, person, user_id, Action.DEACTIVATE_USER)
    if user.status != "deactivated":
        raise RefusedError(f"{user.name} is {user.status}. Only deactivated users can be reactivated.")
    user.status = "active"
    db.flush()


def remove(db: Session, person: Person, user_id: str) -> None:
    """Licenses are given back first, so that each is recorded as unassigned from this user."""
    user = get(db, person, user_id, Action.REMOVE_USER)
    _protect(db, person, user)
    db.execute(update(License).where(License.assignee_id == user.id).values(assignee_id=None))
    db.execute(delete(UserSession).where(UserSession.user_id == user.id))
    db.execute(delete(User).where(User.id == user.id))


def end_sessions(db: Session, user_id: str, *, keep: str = "") -> None:
    open_ones = (UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > clock.now())
    db.execute(update(UserSession).where(*open_ones, UserSession.id != keep).values(revoked_at=clock.now()))


def _protect(db: Session, person: Person, user: User, field: str | None = None) -> None:
    """Nobody shuts themselves out, and the portal is never left without an owner."""
    if user.id == person.id:
        raise RefusedError("This is yourself. Ask another owner or admin to do it.", field)
    others = (User.role == "owner", User.status == "active", User.id != user.id)
    if user.role == "owner" and not db.scalar(select(func.count()).select_from(User).where(*others)):
        raise RefusedError(f"{user.name} is the last active owner. Make somebody else an owner first.", field)
