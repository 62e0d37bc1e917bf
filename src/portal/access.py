"""Who may do what: a table of roles, and the organization a person is bound to. Nothing else decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import true

from portal.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


class Action(StrEnum):
    VIEW = "view this"
    CREATE_ORGANIZATION = "create organizations"
    RENAME_ORGANIZATION = "rename organizations"
    CHANGE_PLAN = "change plans"
    SUSPEND_ORGANIZATION = "suspend or reactivate organizations"
    DELETE_ORGANIZATION = "delete organizations"
    INVITE_USER = "invite users"
    RENAME_USER = "rename users"
    CHANGE_ROLE = "change roles"
    DEACTIVATE_USER = "deactivate or reactivate users"
    REMOVE_USER = "remove users"
    MANAGE_OWNERS = "manage owners"
    MANAGE_LICENSES = "change licenses"
    SEE_LICENSE_KEYS = "see license keys"
    SAVE_PLATFORM_CONFIGURATION = "change the platform's configuration"
    SAVE_CONFIGURATION = "change configurations"
    MANAGE_WEBHOOKS = "manage webhooks"
    INVITE_WHEN_SWITCHED_OFF = "invite while invitations are switched off"


_OWNERS_ONLY = {Action.MANAGE_OWNERS, Action.INVITE_WHEN_SWITCHED_OFF}

ROLE_ACTIONS: dict[str, frozenset[Action]] = {
    "owner": frozenset(Action),
    "admin": frozenset(Action) - _OWNERS_ONLY,
    "auditor": frozenset({Action.VIEW}),
}

# What concerns the platform as a whole; not for a person who belongs to one organization, whatever the role.
PLATFORM_ACTIONS = frozenset(
    {
        Action.CREATE_ORGANIZATION,
        Action.DELETE_ORGANIZATION,
        Action.CHANGE_PLAN,
        Action.SUSPEND_ORGANIZATION,
        Action.SAVE_PLATFORM_CONFIGURATION,
    }
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """The signed-in person, as read from the database in this request."""

    id: str
    name: str
    email: str
    role: str
    organization_id: str | None  # None: platform-wide
    organization_name: str | None = None
    session_id: str = ""
    must_change_password: bool = False
    support_email: str = ""
    notice: str = ""

    def may(self, action: Action) -> bool:
        if action in PLATFORM_ACTIONS and self.organization_id is not None:
            return False
        return action in ROLE_ACTIONS[self.role]

    def sees(self, organization_id: str | None) -> bool:
        return self.organization_id in (None, organization_id)


def require(person: Person, action: Action, organization_id: str | None) -> None:
    """Passes, or raises. The organization is looked at first: outside it even "forbidden" would tell too much."""
    if not person.sees(organization_id):
        raise NotFoundError
    if not person.may(action):
        where = f" of {person.organization_name}" if person.organization_name else ""
        raise ForbiddenError(f"As {person.role}{where} you may not {action.value}. Ask an owner of the portal to.")


def scope(person: Person, organization_id: Any) -> ColumnElement[bool]:
    """The condition that keeps a list to what the person may see."""
    return true() if person.organization_id is None else organization_id == person.organization_id
