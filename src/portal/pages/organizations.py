"""The pages of organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access import Action, require
from portal.models import PLANS
from portal.services import organizations
from portal.web import Call, act, page

if TYPE_CHECKING:
    from starlette.responses import Response


def listing(call: Call) -> Response:
    found = organizations.listing(call.db, call.person, call.search, call.before)
    return call.page("organizations.html", page=found, search=call.search)


def new(call: Call) -> Response:
    require(call.person, Action.CREATE_ORGANIZATION, call.person.organization_id)
    return call.page("organization_new.html", plans=PLANS)


def create(call: Call) -> Response:
    require(call.person, Action.CREATE_ORGANIZATION, call.person.organization_id)
    inputs = call.inputs
    name, plan = inputs.name("name", "The name"), inputs.choice("plan", "The plan", PLANS)
    inputs.check()
    created = organizations.create(call.db, call.person, name, plan)
    return call.go(f"/organizations/{created.id}", "created")


def show(call: Call) -> Response:
    organization = organizations.get(call.db, call.person, call.id())
    dependants = organizations.dependants(call.db, organization)
    return call.page("organization.html", organization=organization, dependants=dependants, plans=PLANS)


def rename(call: Call) -> Response:
    organizations.get(call.db, call.person, call.id(), Action.RENAME_ORGANIZATION)
    inputs = call.inputs
    name = inputs.name("name", "The name")
    inputs.check()
    organizations.rename(call.db, call.person, call.id(), name)
    return call.go(f"/organizations/{call.id()}", "saved")


def change_plan(call: Call) -> Response:
    organizations.get(call.db, call.person, call.id(), Action.CHANGE_PLAN)
    inputs = call.inputs
    plan = inputs.choice("plan", "The plan", PLANS)
    inputs.check()
    organizations.change_plan(call.db, call.person, call.id(), plan)
    return call.go(f"/organizations/{call.id()}", "saved")


def suspend(call: Call) -> Response:
    organizations.suspend(call.db, call.person, call.id())
    return call.go(f"/organizations/{call.id()}", "suspended")


def reactivate(call: Call) -> Response:
    organizations.reactivate(call.db, call.person, call.id())
    return call.go(f"/organizations/{call.id()}", "reactivated")


def confirm_delete(call: Call) -> Response:
    organization = organizations.get(call.db, call.person, call.id(), Action.DELETE_ORGANIZATION)
    dependants = organizations.dependants(call.db, organization)
    return call.page("organization_delete.html", organization=organization, dependants=dependants)


def delete(call: Call) -> Response:
    organizations.remove(call.db, call.person, call.id())
    return call.go("/organizations", "deleted")


ROUTES = [
    page("/organizations", listing),
    page("/organizations/new", new, create),
    page("/organizations/{id}", show),
    act("/organizations/{id}/name", rename, show),
    act("/organizations/{id}/plan", change_plan, show),
    act("/organizations/{id}/suspend", suspend, show),
    act("/organizations/{id}/reactivate", reactivate, show),
    page("/organizations/{id}/delete", confirm_delete, delete),
]
