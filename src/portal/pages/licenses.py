"""The pages of licenses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from portal import clock
from portal.access import Action, require
from portal.services import licenses, organizations
from portal.web import Call, act, page

if TYPE_CHECKING:
    from datetime import date

    from starlette.responses import Response

    from portal.inputs import Inputs

_LONGEST = timedelta(days=36_525)  # a century: later is a slip of the keyboard


def listing(call: Call) -> Response:
    found = licenses.listing(call.db, call.person, call.search, call.before)
    return call.page("licenses.html", page=found, search=call.search)


def new(call: Call) -> Response:
    person = call.person
    require(person, Action.MANAGE_LICENSES, person.organization_id)
    return call.page("license_new.html", organizations=organizations.choices(call.db, person))


def issue(call: Call) -> Response:
    """An empty day means the organization's usual term."""
    person, inputs = call.person, call.inputs
    require(person, Action.MANAGE_LICENSES, person.organization_id)
    known = [organization.id for organization in organizations.choices(call.db, person)]
    organization_id = inputs.choice("organization_id", "The organization", known)
    product = inputs.name("product", "The product")
    expires_on = _day(inputs) if call.form.values.get("expires_on", "").strip() else None
    inputs.check()
    license_ = licenses.issue(call.db, person, organization_id, product, expires_on)
    return call.go(f"/licenses/{license_.id}", "issued")


def show(call: Call) -> Response:
    license_ = licenses.get(call.db, call.person, call.id())
    term = licenses.default_expiry(call.db, license_.organization_id, max(clock.today(), license_.expires_on))
    people = licenses.candidates(call.db, license_.organization_id)
    return call.page("license.html", license=license_, renew_to=term, people=people)


def rename(call: Call) -> Response:
    licenses.get(call.db, call.person, call.id(), Action.MANAGE_LICENSES)
    inputs = call.inputs
    product = inputs.name("product", "The product")
    inputs.check()
    licenses.rename(call.db, call.person, call.id(), product)
    return call.go(f"/licenses/{call.id()}", "saved")


def assign(call: Call) -> Response:
    licenses.assign(call.db, call.person, call.id(), call.form.values.get("assignee_id", ""))
    return call.go(f"/licenses/{call.id()}", "assigned")


def unassign(call: Call) -> Response:
    licenses.unassign(call.db, call.person, call.id())
    return call.go(f"/licenses/{call.id()}", "unassigned")


def renew(call: Call) -> Response:
    licenses.get(call.db, call.person, call.id(), Action.MANAGE_LICENSES)
    inputs = call.inputs
    expires_on = _day(inputs)
    inputs.check()
    licenses.renew(call.db, call.person, call.id(), expires_on)
    return call.go(f"/licenses/{call.id()}", "renewed")


def revoke(call: Call) -> Response:
    licenses.revoke(call.db, call.person, call.id())
    return call.go(f"/licenses/{call.id()}", "revoked")


def confirm_delete(call: Call) -> Response:
    license_ = licenses.get(call.db, call.person, call.id(), Action.MANAGE_LICENSES)
    return call.page("license_delete.html", license=license_)


def delete(call: Call) -> Response:
    licenses.remove(call.db, call.person, call.id())
    return call.go("/licenses", "deleted")


def _day(inputs: Inputs) -> date:
    today = clock.today()
    return inputs.day("expires_on", "The day", today, today + _LONGEST)


ROUTES = [
    page("/licenses", listing),
    page("/licenses/new", new, issue),
    page("/licenses/{id}", show),
    act("/licenses/{id}/product", rename, show),
    act("/licenses/{id}/assign", assign, show),
    act("/licenses/{id}/unassign", unassign, show),
    act("/licenses/{id}/renew", renew, show),
    act("/licenses/{id}/revoke", revoke, show),
    page("/licenses/{id}/delete", confirm_delete, delete),
]
