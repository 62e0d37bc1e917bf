"""What people do with their own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal import passwords
from portal.errors import InvalidError, NotFoundError
from portal.models import User
from portal.services import users
from portal.services.lists import find

if TYPE_CHECKING:
    from portal.access import Person
    from portal.database import Database


def change_password(database: Database, person: Person, current: str, new: str) -> None:
    """Also ends the person's other sessions: whoever knew the old password is out."""
    with database.reading() as db:
        stored = find(db, User, person.id).password_hash
    if not passwords.matches(stored, current):
        raise InvalidError("This is not your current password. Type it again.", "current_password")
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
