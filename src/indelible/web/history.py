"""The page of one thing: what it is, what it was at any moment, and what happened to it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.event import Entity
from indelible.log import Log
from indelible.search.history import Known, difference, history, known
from indelible.viewer import Viewer
from indelible.web.frame import Frame
from indelible.web.state import State, understand
from indelible.web.view import Changed, rows

LISTED = 100  # the newest of its entries


class History:
    """A thing that this viewer may see nothing of is not there."""

    def __init__(self, frame: Frame, log: Log, refresh: Callable[[], str]) -> None:
        self._frame = frame
        self._log = log
        self._refresh = refresh

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/entity/{type}/{key:path}", self._frame.page(self.show))]

    def show(self, request: Request, viewer: Viewer) -> Response:
        """`since` alone is the moment to be shown; with `until`, what is different between the two."""
        self._refresh()
        type_, key = request.path_params["type"], request.path_params["key"]
        entries = list(history(self._log, type_, key, organization=viewer.organization))
        if not entries:
            return self._frame.missing(request, viewer)
        asked = State.read(request.query_params)
        query, problems = understand(State(since=asked.since, until=asked.until), datetime.now(UTC))
        moments = [moment for moment in (query.since, query.until) if moment] if query else []
        states = [known(entries, moment) for moment in moments]
        now = known(entries)
        compared = Changed(difference(*states)) if len(states) > 1 else None
        shown = states[0] if states else now
        values = {
            "type": entries[-1].entity.type, "key": key, "count": len(entries), "now": now,
            "state": asked, "problems": {"since": None, "until": None} | {p.field: p for p in problems},
            "moments": [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments], "difference": compared, "shown": shown,
            "as_it_was": _as_it_was(shown), "rows": rows(entries[-LISTED:][::-1]),
            "listed": State.of(Entity(type_, key)),
        }  # fmt: skip
        return self._frame.show(request, f"{type_} {now.name or key}", "history.html", values, 400 if problems else 200)


def _as_it_was(shown: Known) -> Changed:
    return Changed({name: {"new": value} for name, value in shown.fields.items()})
