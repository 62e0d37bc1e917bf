"""The first start: the platform's configuration, the first administrator, and a few sample records."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from indelible import Actor, acting_as
from portal import passwords
from portal.access import Person
from portal.models import Configuration, User
from portal.seed import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from portal.database import Database
    from portal.settings import Settings

# Who stands behind the first start: allowed everything, and never in the table of users.
SYSTEM = Person(id="first-start", name="first-start", email="", role="owner", organization_id=None)


@dataclass(frozen=True)
class FirstAdmin:
    email: str
    password: str | None  # None: set by PORTAL_ADMIN_PASSWORD, so not to be shown


def first_start(database: Database, settings: Settings, announce: Callable[[FirstAdmin], None]) -> bool:
    """Whether this was the first start. All of it is one transaction.

    The password is announced before the commit: a crash in between costs nothing, the next start makes a new one.
    The other way round, a crash would leave an administrator whose password nobody knows.
    """
    with database.reading() as db:
        if not _is_first(db):
            return False
    password = settings.admin_password or secrets.token_urlsafe(12)
    hashed = passwords.hash_password(password)
    unusable = passwords.hash_password(secrets.token_urlsafe(32)) if not settings.empty else ""
    with acting_as(Actor.system("first-start"), source="portal"), database.writing() as db:
        if not _is_first(db):  # another process was quicker
            return False
        db.add(Configuration(id="platform", organization_id=None, support_email="support@northdesk.test"))
        db.add(_administrator(settings, hashed))
        db.flush()
        if not settings.empty:
            seed(db, SYSTEM, unusable)
        announce(FirstAdmin(settings.admin_email, None if settings.admin_password else password))
        db.commit()
    return True


def _is_first(db: Session) -> bool:
    return db.scalar(select(Configuration.id).limit(1)) is None


def _administrator(settings: Settings, hashed: str) -> User:
    return User(
        name="Administrator",
        email=settings.admin_email,
        role="owner",
        status="active",
        password_hash=hashed,
        must_change_password=settings.admin_password is None,
    )
