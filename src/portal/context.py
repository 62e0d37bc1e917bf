"""Who acts in a request: where the visitor comes from, and how that reaches the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indelible import Actor, acting_as

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from portal.access import Person
    from portal.models import User

USER_AGENT_LENGTH = 300


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """The far side of a request, before anyone has proved who it is."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None

    def acting_as(self, actor: Actor) -> AbstractContextManager[object]:
        return acting_as(actor, source="portal", ip=self.ip, user_agent=self.user_agent, request_id=self.request_id)


def actor_of(person: Person | User) -> Actor:
    return Actor(type="user", id=person.id, name=person.name, email=person.email)
