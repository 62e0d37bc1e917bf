"""The page of one thing: what it is, what it was at any moment, and what happened to it."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.event import Entity, Entry
from indelible.legible import legible
from indelible.log import Log
from indelible.routes import over_lines
from indelible.search.history import Known, after, difference, history, thing
from indelible.urls import entity_named, id_named
from indelible.viewer import Viewer
from indelible.web.frame import Frame
from indelible.web.recording import Looks
from indelible.web.state import State, understand
from indelible.web.view import Changed, rows

LISTED = 100  # the newest of its entries


class History:
    """A thing that this viewer may see nothing of is not there."""

    def __init__(self, frame: Frame, log: Log, refresh: Callable[[], str], looks: Looks) -> None:
        self._frame = frame
        self._log = log
        self._refresh = refresh
        self._looks = looks

    def routes(self) -> Sequence[BaseRoute]:
        return [over_lines(Route("/entity/{type}/{id:path}", self._frame.page(self.show)))]

    def show(self, request: Request, viewer: Viewer) -> Response:
        """`since` alone is the moment to be shown; with `until`, what is different between the two."""
        self._refresh()
        behind = {name: value for name in ("type", "id") if (value := request.query_params.get(name))}
        type_, path = entity_named(request.scope)
        type_, key = unquote(behind.get("type", "")) or type_, id_named(path, behind.get("id", ""))
        asked = State.read(request.query_params)
        query, problems = understand(State(since=asked.since, until=asked.until), datetime.now(UTC))
        moments = [moment for moment in (query.since, query.until) if moment] if query else []
        told = _Told(moments)
        for entry in history(self._log.replica, type_, key, organization=viewer.organization):
            told.take(entry)
        if not told.count:
            return self._frame.missing(request, viewer)
        self._looks.followed(request, viewer, thing(type_, key))
        values = {
            "type": told.newest[-1].entity.type, "key": key, "behind": behind, "count": told.count,
            "now": told.now, "state": asked,
            "problems": {"since": None, "until": None} | {p.field: p for p in problems},
            "moments": [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments], "shown": told.shown,
            "difference": Changed(difference(*told.then)) if len(moments) > 1 else None,
            "as_it_was": _as_it_was(told.shown), "rows": rows(list(told.newest)[::-1]),
            "listed": State.of(Entity(type_, key)), "viewer": viewer,
        }  # fmt: skip
        title = f"{legible(type_)} {legible(told.now.name or key)}"
        return self._frame.show(request, title, "history.html", values, 400 if problems else 200)


class _Told:
    """What one walk along its entries tells, however many they are."""

    def __init__(self, moments: Sequence[datetime]) -> None:
        self._moments = moments
        self.then = [Known() for _ in moments]  # before each of them
        self.now = Known()
        self.count = 0
        self.newest: deque[Entry] = deque(maxlen=LISTED)

    def take(self, entry: Entry) -> None:
        at = datetime.fromisoformat(entry.occurred_at)
        self.then = [
            after(known, entry) if at < moment else known
            for moment, known in zip(self._moments, self.then, strict=True)
        ]
        self.now = after(self.now, entry)
        self.count += 1
        self.newest.append(entry)

    @property
    def shown(self) -> Known:
        return self.then[0] if self.then else self.now


def _as_it_was(shown: Known) -> Changed:
    return Changed({name: {"new": value} for name, value in shown.fields.items()})
