"""Who acts, as the audit log knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indelible import Actor

if TYPE_CHECKING:
    from portal.access import Person
    from portal.models import User


def actor_of(person: Person | User) -> Actor:
    return Actor(type="user", id=person.id, name=person.name, email=person.email)
