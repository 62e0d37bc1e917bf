"""The most common names in what was found, each a way to less of it. They are counted when somebody asks for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from indelible.errors import SlowSearchError
from indelible.log import Log
from indelible.search import looks
from indelible.search.overview import Facet, facets
from indelible.search.page import find
from indelible.store.promise import Dimension
from indelible.viewer import Viewer
from indelible.web.frame import Frame
from indelible.web.recording import Looks
from indelible.web.state import State, understand

LISTS: dict[Dimension, str] = {
    "action": "Action", "entity_type": "Entity type", "actor": "User", "organization": "Organization",
    "source": "Source", "operation": "Operation",
}  # fmt: skip
SECONDS = 10.0  # that a search may take
NOT_KEPT = {"Cache-Control": "no-store"}


class Choice(NamedTuple):
    """A name, how many entries have it, and the addresses with it alone and without it."""

    label: str
    entries: int
    only: str
    but: str


class FacetList(NamedTuple):
    title: str
    choices: list[Choice]


class Facets:
    """A part of the page that htmx puts into the list; a page of its own for who has no JavaScript."""

    def __init__(self, frame: Frame, log: Log, looks_: Looks) -> None:
        self._frame = frame
        self._log = log
        self._looks = looks_

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/facets", self._frame.page(self.show))]

    def show(self, request: Request, viewer: Viewer) -> Response:
        state, part = State.read(request.query_params), "hx-request" in request.headers
        query, _ = understand(state, datetime.now(UTC))
        if query is None:
            return self._elsewhere(request, state, part=part)
        self._looks.searched(request, viewer, query, state.since, state.until)
        try:
            page = find(self._log.replica, query, organization=viewer.organization, limit=1, seconds=SECONDS)
        except SlowSearchError:
            return self._elsewhere(request, state, part=part)
        told = facets(self._log.replica, page.counted, dimensions(viewer))
        lists = [
            FacetList(LISTS[each], [_choice(state, each, facet) for facet in told.names[each]]) for each in told.names
        ]
        values = {"state": state, "lists": [each for each in lists if each.choices], "among": told.among, "page": page}
        if part:
            return HTMLResponse(self._frame.render(request, "facets.html", values), headers=NOT_KEPT)
        return self._frame.show(request, "Narrow the search", "narrowed_by.html", values)

    def _elsewhere(self, request: Request, state: State, *, part: bool) -> Response:
        """What cannot be read or found is for the page of the search itself to say; a part of it says that briefly."""
        if not part:
            return self._frame.go(request, f"/{state.search()}")
        return HTMLResponse(self._frame.render(request, "no_facets.html", {}), headers=NOT_KEPT)


def dimensions(viewer: Viewer) -> list[Dimension]:
    """What there is a list of: who sees one organization needs none of those."""
    return [each for each in LISTS if viewer.organization is None or each != "organization"]


def _choice(state: State, dimension: Dimension, facet: Facet) -> Choice:
    key = looks.KEYS[dimension]
    return Choice(
        facet.label, facet.entries, state.with_term(key, facet.value), state.with_term(key, facet.value, negated=True)
    )
