"""The pages of configuration: the platform's, and what organizations have instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access import Action, require
from portal.services import configuration, organizations
from portal.services.configuration import Values
from portal.web import Call, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.inputs import Inputs

NOTICE_LENGTH = 1_000


def listing(call: Call) -> Response:
    person = call.person
    values = {
        "platform": configuration.platform(call.db),
        "effective": configuration.effective(call.db, person.organization_id),
        "overrides": configuration.overrides(call.db, person, call.search),
        "free": configuration.without_override(call.db, person),
        "search": call.search,
    }
    return call.page("configuration.html", **values)


def show(call: Call) -> Response:
    row = configuration.get(call.db, call.person, call.id())
    action = Action.SAVE_CONFIGURATION if row.organization_id else Action.SAVE_PLATFORM_CONFIGURATION
    return call.page("configuration_edit.html", row=row, may_save=call.person.may(action))


def save(call: Call) -> Response:
    configuration.get(call.db, call.person, call.id(), Action.SAVE_CONFIGURATION)
    configuration.save(call.db, call.person, call.id(), _values(call.inputs))
    return call.go(f"/configuration/{call.id()}", "saved")


def new(call: Call) -> Response:
    person = call.person
    require(person, Action.SAVE_CONFIGURATION, person.organization_id)
    free = configuration.without_override(call.db, person)
    return call.page("configuration_new.html", row=configuration.platform(call.db), organizations=free)


def create(call: Call) -> Response:
    person = call.person
    require(person, Action.SAVE_CONFIGURATION, person.organization_id)
    inputs = call.inputs
    known = [organization.id for organization in organizations.choices(call.db, person)]
    organization_id = inputs.choice("organization_id", "The organization", known)
    values = _values(inputs)
    row = configuration.create_override(call.db, person, organization_id, values)
    return call.go(f"/configuration/{row.id}", "created")


def confirm_delete(call: Call) -> Response:
    row = configuration.get(call.db, call.person, call.id(), Action.SAVE_CONFIGURATION)
    return call.page("configuration_delete.html", row=row, platform=configuration.platform(call.db))


def delete(call: Call) -> Response:
    configuration.remove_override(call.db, call.person, call.id())
    return call.go("/configuration", "reset")


def _values(inputs: Inputs) -> Values:
    values = Values(
        session_hours=inputs.whole("session_hours", "The hours", 1, 720),
        invitation_days=inputs.whole("invitation_days", "The days", 1, 90),
        license_term_days=inputs.whole("license_term_days", "The term", 1, 3650),
        support_email=inputs.email("support_email", optional=True),
        sign_in_notice=inputs.text("sign_in_notice", "The notice", NOTICE_LENGTH),
        invitations_enabled=inputs.flag("invitations_enabled"),
    )
    inputs.check()
    return values


ROUTES = [
    page("/configuration", listing),
    page("/configuration/new", new, create),
    page("/configuration/{id}", show, save),
    page("/configuration/{id}/delete", confirm_delete, delete),
]
