"""The overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal import clock
from portal.services import overview
from portal.web import Call, page

if TYPE_CHECKING:
    from starlette.responses import Response


def show(call: Call) -> Response:
    return call.page("home.html", overview=overview.overview(call.db, call.person, clock.today()))


ROUTES = [page("/", show)]
