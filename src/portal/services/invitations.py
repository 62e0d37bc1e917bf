"""Invitations: a link that expires, works once, and is stored only as a hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from portal import clock
from portal.access import Action, Person, require
from portal.errors import ForbiddenError, NotFoundError, RefusedError
from portal.models import Organization, User
from portal.services import configuration, users
from portal.services.lists import find
from portal.tokens import new_token, sha256

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Invitation:
    """A fresh invitation. The token exists nowhere else."""

    user: User
    token: str
    days: int
    support_email: str


def enabled(db: Session, person: Person, organization_id: str | None) -> bool:
    """Whether the person may invite now; the setting binds admins, not owners."""
    if not person.may(Action.INVITE_USER):
        return False
    on = configuration.invitations_enabled(db, organization_id)
    return on or person.may(Action.INVITE_WHEN_SWITCHED_OFF)


def invite(db: Session, person: Person, email: str, role: str, organization_id: str | None) -> Invitation:
    require(person, Action.INVITE_USER, organization_id)
    if role == "owner":
        require(person, Action.MANAGE_OWNERS, organization_id)
    _check_place(db, role, organization_id)
    _check_enabled(db, person, organization_id)
    taken = db.scalar(select(User).where(func.lower(User.email) == email.lower()))
    if taken is not None:
        # Another organization's user is none of this person's business, but the address cannot be used twice.
        who = f"{taken.name} ({taken.status})" if person.sees(taken.organization_id) else "somebody else"
        raise RefusedError(f"{email} already belongs to {who}. Use another address.", "email")
    user = User(organization_id=organization_id, name=email, email=email, role=role)
    return _renewed(db, user)


def resend(db: Session, person: Person, user_id: str) -> Invitation:
    """A new link; the old one stops working."""
    user = users.get(db, person, user_id, Action.INVITE_USER)
    if user.status != "invited":
        raise RefusedError(f"{user.name} is {user.status} and needs no invitation. Nothing was sent.")
    _check_enabled(db, person, user.organization_id)
    return _renewed(db, user)


def find_open(db: Session, token: str) -> User:
    """The invited user, while the link works."""
    user = db.scalar(select(User).where(User.invitation_token_hash == sha256(token), User.status == "invited"))
    if user is None or user.invitation_expires_at is None or user.invitation_expires_at <= clock.now():
        raise NotFoundError("This invitation was used, replaced or has expired. Ask whoever invited you for a new one.")
    return user


def lapsed(db: Session, now: datetime) -> list[User]:
    """Who was invited and did not come in time."""
    return list(db.scalars(select(User).where(User.status == "invited", User.invitation_expires_at <= now)))


def accept(db: Session, token: str, name: str, password_hash: str) -> User:
    user = find_open(db, token)
    user.name = name
    user.password_hash = password_hash
    user.status = "active"
    user.invitation_token_hash = None
    user.invitation_expires_at = None
    db.flush()
    return user


def _renewed(db: Session, user: User) -> Invitation:
    """Saves the user with a new link: one change, one entry, also for a new user."""
    settings = configuration.effective(db, user.organization_id)
    token = new_token()
    user.invitation_token_hash = sha256(token)
    user.invitation_expires_at = clock.now() + timedelta(days=settings.invitation_days)
    db.add(user)
    db.flush()
    return Invitation(user, token, settings.invitation_days, settings.support_email)


def _check_place(db: Session, role: str, organization_id: str | None) -> None:
    if organization_id is None:
        return
    find(db, Organization, organization_id)
    if role == "owner":
        raise RefusedError("An owner is platform-wide. Choose no organization, or another role.", "role")


def _check_enabled(db: Session, person: Person, organization_id: str | None) -> None:
    if not enabled(db, person, organization_id):
        raise ForbiddenError("Invitations by admins are switched off in the configuration. Ask an owner to invite.")
