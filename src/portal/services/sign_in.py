"""Signing in and out: sessions on the server, failed attempts recorded and limited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from indelible import Actor, acting_as
from portal import clock, passwords
from portal.access import Person
from portal.context import actor_of
from portal.errors import InvalidError, NotFoundError, TooManyError
from portal.inputs import EMAIL_LENGTH
from portal.models import SignInAttempt, User, UserSession
from portal.services import configuration
from portal.services.lists import find
from portal.tokens import new_id, new_token, sha256

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from indelible import Context
    from portal.database import Database

WRONG_CURRENT = "wrong current password"
WINDOW = timedelta(minutes=15)
FAILURES_PER_PAIR = 10  # of one e-mail from one address: a guesser is stopped, the owner elsewhere is not locked out
FAILURES_PER_IP = 50
FAILURES_PER_EMAIL = 100  # from however many addresses
_WRONG = "E-mail and password do not match an active user. Check both, or ask an administrator."


@dataclass(frozen=True)
class SignedIn:
    token: str
    seconds: int


def sign_in(database: Database, visitor: Context, email: str, password: str) -> SignedIn:
    """A new session for whoever proves to be an active user; everybody else gets the same answer in the same time."""
    email = email.strip()
    with database.reading() as db:
        _check_throttle(db, email, visitor.ip)
        user = _by_email(db, email)
        stored = user.password_hash if user else None
    proved = passwords.matches(stored, password)
    reason = _refusal(user, proved=proved)
    if user is None or reason:
        with acting_as(Actor.unknown(email=_recordable(email))), database.writing() as db:
            _record_failure(db, visitor, email, user, reason)
            db.commit()
        raise InvalidError(_WRONG)
    return _open_session(database, visitor, user, stored)


def prove_again(database: Database, visitor: Context, person: Person, password: str) -> str | None:
    """The stored hash that `password` fits, of somebody who is signed in; failures are recorded and limited likewise.

    Raises InvalidError, TooManyError.
    """
    with database.reading() as db:
        _check_throttle(db, person.email, visitor.ip)
        user = find(db, User, person.id)
    if passwords.matches(user.password_hash, password):
        return user.password_hash
    with acting_as(actor_of(person)), database.writing() as db:
        _record_failure(db, visitor, person.email, user, WRONG_CURRENT)
        db.commit()
    raise InvalidError("This is not your current password. Type it again.", "current_password")


def person_of(db: Session, token: str) -> Person | None:
    """Who this session belongs to, while it, its user and the user's organization are all active."""
    query = (
        select(UserSession)
        .options(joinedload(UserSession.user).joinedload(User.organization))
        .where(UserSession.token_hash == sha256(token))
    )
    session = db.scalar(query.execution_options(populate_existing=True))
    if (
        session is None
        or session.revoked_at
        or session.expires_at <= clock.now()
        or _refusal(session.user, proved=True)
    ):
        return None
    user = session.user
    settings = configuration.effective(db, user.organization_id)
    return Person(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        organization_id=user.organization_id,
        organization_name=user.organization.name if user.organization else None,
        session_id=session.id,
        must_change_password=user.must_change_password,
        support_email=settings.support_email,
        notice=settings.sign_in_notice if settings.organization_id else "",
    )


def open_sessions(db: Session, person: Person) -> list[UserSession]:
    mine = (UserSession.user_id == person.id, UserSession.revoked_at.is_(None), UserSession.expires_at > clock.now())
    return list(db.scalars(select(UserSession).where(*mine).order_by(UserSession.created_at.desc())))


def end_session(db: Session, person: Person, session_id: str) -> None:
    """Ends one of the person's own sessions."""
    for session in open_sessions(db, person):
        if session.id == session_id:
            session.revoked_at = clock.now()
            db.flush()
            return
    raise NotFoundError("This session has already ended. The list on your account page shows the open ones.")


def _open_session(database: Database, visitor: Context, user: User, stored: str | None) -> SignedIn:
    token = new_token()
    with acting_as(actor_of(user)), database.writing() as db:
        current = _by_email(db, user.email)
        # Deactivated, or given another password, while we were hashing.
        if current is None or current.password_hash != stored or _refusal(current, proved=True):
            raise InvalidError(_WRONG)
        hours = configuration.effective(db, current.organization_id).session_hours
        db.add(
            UserSession(
                user_id=current.id,
                user_name=current.name,
                organization_id=current.organization_id,
                token_hash=sha256(token),
                expires_at=clock.now() + timedelta(hours=hours),
                ip=visitor.ip,
                user_agent=visitor.user_agent,
            )
        )
        db.commit()
    return SignedIn(token, hours * 3600)


def _refusal(user: User | None, *, proved: bool) -> str:
    """Why this user may not come in; for the record only, never shown to the visitor."""
    if user is None:
        return "unknown e-mail"
    if user.status != "active":
        return f"user is {user.status}"
    if user.organization is not None and user.organization.status != "active":
        return f"organization is {user.organization.status}"
    return "" if proved else "wrong password"


def _by_email(db: Session, email: str) -> User | None:
    query = select(User).options(joinedload(User.organization)).where(func.lower(User.email) == email.lower())
    return db.scalar(query) if email.isascii() and email.isprintable() else None


def _check_throttle(db: Session, email: str, ip: str | None) -> None:
    since = clock.now() - WINDOW
    recent = select(func.count()).select_from(SignInAttempt).where(SignInAttempt.created_at > since)
    same_email, same_ip = func.lower(SignInAttempt.email) == func.lower(_recordable(email)), SignInAttempt.ip == ip
    limits = (
        (FAILURES_PER_PAIR, [same_email, same_ip]),
        (FAILURES_PER_IP, [same_ip]),
        (FAILURES_PER_EMAIL, [same_email]),
    )
    if any((db.scalar(recent.where(*conditions)) or 0) >= limit for limit, conditions in limits):
        minutes = int(WINDOW.total_seconds() // 60)
        raise TooManyError(
            f"Too many failed sign-ins in the last {minutes} minutes. Wait {minutes} minutes and try again."
        )


def _record_failure(db: Session, visitor: Context, email: str, user: User | None, reason: str) -> None:
    attempt = new_id("try")
    db.add(
        SignInAttempt(
            id=attempt,
            email=_recordable(email),
            subject=user.id if user else attempt,  # never what was typed: it might be somebody's id
            user_id=user.id if user else None,
            organization_id=user.organization_id if user else None,
            reason=reason,
            ip=visitor.ip,
        )
    )


def _recordable(email: str) -> str:
    """What may be kept for good: something like an address. Anything else might be a password in the wrong field."""
    name, at, host = email[:EMAIL_LENGTH].partition("@")
    if not (name and at and "." in host and host.isascii() and email.isprintable() and " " not in email):
        return "(not an e-mail address)"
    return email[:EMAIL_LENGTH]
