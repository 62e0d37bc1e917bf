"""What people do with their own account."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from indelible import Actor, acting_as
from portal import passwords
from portal.errors import InvalidError, NotFoundError
from portal.models import User
from portal.services import sign_in, users
from portal.services.lists import find

if TYPE_CHECKING:
    from indelible import Context
    from portal.access import Person
    from portal.database import Database


def change_password(database: Database, visitor: Context, person: Person, current: str, new: str) -> None:
    """Also ends the person's other sessions: whoever knew the old password is out."""
    stored = sign_in.prove_again(database, visitor, person, current)
    if current == new:
        raise InvalidError("This is the password you already have. Choose another.", "new_password")
    hashed = passwords.hash_password(new)
    with database.writing() as db:
        user = find(db, User, person.id)
        if user.password_hash != stored:
            raise NotFoundError("Your password was changed elsewhere meanwhile. Sign in with the new one.")
        user.password_hash = hashed
        user.must_change_password = False
        db.flush()
        users.end_sessions(db, person.id, keep=person.session_id)
        db.commit()


def reset_password(database: Database, email: str) -> str:
    """A one-time password for somebody who lost theirs; ends their sessions. For who runs the portal."""
    password = secrets.token_urlsafe(12)
    hashed = passwords.hash_password(password)
    with acting_as(Actor.system("portal reset"), source="command line"), database.writing() as db:
        user = db.scalar(select(User).where(func.lower(User.email) == email.lower(), User.status == "active"))
        if user is None:
            raise NotFoundError(f"No active user has the e-mail {email!r}. Check it, or invite them from the portal.")
        user.password_hash = hashed
        user.must_change_password = True
        db.flush()
        users.end_sessions(db, user.id)
        db.commit()
    return password
