"""The pages of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access import Action, Person, require
from portal.models import ROLES
from portal.pages.invitations import announce
from portal.services import invitations, organizations, users
from portal.web import Call, act, page

if TYPE_CHECKING:
    from starlette.responses import Response


def listing(call: Call) -> Response:
    found = users.listing(call.db, call.person, call.search, call.before)
    may_invite = invitations.enabled(call.db, call.person, call.person.organization_id)
    return call.page("users.html", page=found, search=call.search, may_invite=may_invite)


def roles(person: Person, *, within_organization: bool) -> list[str]:
    """The roles this person may give."""
    owner = person.may(Action.MANAGE_OWNERS) and not within_organization
    return [role for role in ROLES if role != "owner" or owner]


def new(call: Call) -> Response:
    person = call.person
    require(person, Action.INVITE_USER, person.organization_id)
    values = {
        "organizations": organizations.choices(call.db, person),
        "roles": roles(person, within_organization=person.organization_id is not None),
        "has_mailer": call.portal.mailer is not None,
    }
    return call.page("user_new.html", **values)


def invite(call: Call) -> Response:
    person, inputs = call.person, call.inputs
    require(person, Action.INVITE_USER, person.organization_id)
    email = inputs.email("email")
    role = inputs.choice("role", "The role", roles(person, within_organization=False))
    own = [person.organization_id] if person.organization_id else []
    known = [organization.id for organization in organizations.choices(call.db, person)] + ([] if own else [""])
    organization_id = inputs.choice("organization_id", "The organization", known)
    inputs.check()
    return announce(call, invitations.invite(call.db, person, email, role, organization_id or None))


def resend(call: Call) -> Response:
    return announce(call, invitations.resend(call.db, call.person, call.id()))


def show(call: Call) -> Response:
    person = call.person
    user = users.get(call.db, person, call.id())
    manages = user.role != "owner" or person.may(Action.MANAGE_OWNERS)
    values = {
        "user": user,
        "licenses": users.licenses_of(call.db, user),
        "roles": roles(person, within_organization=user.organization_id is not None),
        "manages": manages,
        "may_invite": manages and invitations.enabled(call.db, person, user.organization_id),
    }
    return call.page("user.html", **values)


def rename(call: Call) -> Response:
    users.get(call.db, call.person, call.id(), Action.RENAME_USER)
    inputs = call.inputs
    name = inputs.name("name", "The name")
    inputs.check()
    users.rename(call.db, call.person, call.id(), name)
    return call.go(f"/users/{call.id()}", "saved")


def change_role(call: Call) -> Response:
    users.get(call.db, call.person, call.id(), Action.CHANGE_ROLE)
    inputs = call.inputs
    role = inputs.choice("role", "The role", ROLES)
    inputs.check()
    users.change_role(call.db, call.person, call.id(), role)
    return call.go(f"/users/{call.id()}", "saved")


def deactivate(call: Call) -> Response:
    users.deactivate(call.db, call.person, call.id())
    return call.go(f"/users/{call.id()}", "deactivated")


def reactivate(call: Call) -> Response:
    users.reactivate(call.db, call.person, call.id())
    return call.go(f"/users/{call.id()}", "reactivated")


def confirm_remove(call: Call) -> Response:
    user = users.get(call.db, call.person, call.id(), Action.REMOVE_USER)
    return call.page("user_remove.html", user=user, licenses=users.licenses_of(call.db, user))


def remove(call: Call) -> Response:
    users.remove(call.db, call.person, call.id())
    return call.go("/users", "removed")


ROUTES = [
    page("/users", listing),
    page("/users/new", new, invite),
    page("/users/{id}", show),
    act("/users/{id}/name", rename, show),
    act("/users/{id}/role", change_role, show),
    act("/users/{id}/resend", resend, show),
    act("/users/{id}/deactivate", deactivate, show),
    act("/users/{id}/reactivate", reactivate, show),
    page("/users/{id}/remove", confirm_remove, remove),
]
