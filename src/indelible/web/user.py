"""The page of one user: who they are, when and from where they were here, and everything they did."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.event import Entity, Entry
from indelible.legible import legible
from indelible.log import Log
from indelible.routes import over_lines
from indelible.search.page import MAX_PAGE, Page, find
from indelible.search.query import Query, Term, spell
from indelible.urls import id_named
from indelible.viewer import Viewer
from indelible.web.frame import Frame
from indelible.web.narrowing import narrowing
from indelible.web.recording import Looks
from indelible.web.state import State, understand
from indelible.web.view import rows

LISTED = 100  # the newest of what they did
MOST = 6  # of a list
SECONDS = 10.0  # that finding it may take


class User:
    """Somebody of whom this viewer may see nothing is not there."""

    def __init__(self, frame: Frame, log: Log, refresh: Callable[[], str], looks: Looks) -> None:
        self._frame = frame
        self._log = log
        self._refresh = refresh
        self._looks = looks

    def routes(self) -> Sequence[BaseRoute]:
        return [over_lines(Route("/user/{type}/{key:path}", self._frame.page(self.show)))]

    def show(self, request: Request, viewer: Viewer) -> Response:
        """`since` and `until` narrow what is listed; who they are is told of all of it."""
        self._refresh()
        behind = request.query_params.get("id", "")
        key = id_named(request.path_params["key"], behind)
        them = Query((Term("user", f"{request.path_params['type']}/{key}"),))
        newest, oldest = self._found(them, viewer, limit=1), self._found(them, viewer, limit=1, after=-1)
        if not newest.entries or not oldest.entries:
            return self._frame.missing(request, viewer)
        self._looks.followed(request, viewer, them.terms[0])
        given, now = State.read(request.query_params), datetime.now(UTC)
        range_, problems = understand(State(since=given.since, until=given.until), now)
        query = range_ and replace(range_, terms=them.terms)
        state = State(q=spell("user", them.terms[0].value), since=given.since, until=given.until)
        page = self._found(query, viewer) if query else None
        found = page.entries if page else []
        told = query and page and found and state.fits and narrowing(
            state=state, query=query, counted=page.counted, viewer=viewer, now=now
        )  # fmt: skip
        actor = newest.entries[0].actor
        values = {
            "actor": actor, "others": _others([*found, *oldest.entries]), "whole": newest, "state": state,
            "problems": {"since": None, "until": None} | {p.field: p for p in problems}, "page": page,
            "first": oldest.entries[0].occurred_at, "last": newest.entries[0].occurred_at,
            "things": _things(found), "places": _places(found), "narrowing": told, "rows": rows(found[:LISTED]),
            "viewer": viewer, "behind": behind,
        }  # fmt: skip
        title = legible(actor.name or actor.email or actor.id or actor.type)
        return self._frame.show(request, title, "user.html", values, 400 if problems else 200)

    def _found(self, query: Query, viewer: Viewer, *, limit: int = MAX_PAGE, after: int | None = None) -> Page:
        log, organization = self._log.replica, viewer.organization
        return find(log, query, organization=organization, after=after, limit=limit, seconds=SECONDS)


class Place(NamedTuple):
    """An address that requests came from: in how many of the newest entries, and when last."""

    ip: str
    entries: int
    last: str


def _others(found: Sequence[Entry]) -> list[str]:
    """What else they were called, or reached by, newest first."""
    (known, *before) = dict.fromkeys((entry.actor.name, entry.actor.email) for entry in found)
    texts = [text for pair in before for text in pair if text and text not in known]
    return list(dict.fromkeys(texts))


def _things(found: Sequence[Entry]) -> list[tuple[Entity, int]]:
    """What they worked on most, each by its last name."""
    last = {(entry.entity.type, entry.entity.id): entry.entity for entry in reversed(found)}
    return [(last[key], count) for key, count in _most((e.entity.type, e.entity.id) for e in found)]


def _places(found: Sequence[Entry]) -> list[Place]:
    last = {entry.context.ip: entry.occurred_at for entry in reversed(found)}
    return [Place(ip, count, last[ip]) for ip, count in _most(e.context.ip for e in found) if ip]


def _most(found: Iterable[Any]) -> list[tuple[Any, int]]:
    return Counter(found).most_common(MOST)
