"""The routes. Every page works without JavaScript; htmx only saves the reload."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from indelible.errors import Error, NotFoundError, SlowSearchError
from indelible.event import Entry, read
from indelible.export.csv import COLUMNS
from indelible.log import Log
from indelible.routes import over_lines
from indelible.search.meant import meant
from indelible.search.page import Page, find
from indelible.search.query import MAX_QUERY, Query
from indelible.search.suggest import suggest
from indelible.search.together import together
from indelible.search.wall import own_line
from indelible.upkeep import Upkeep
from indelible.viewer import Shell, Viewer, ViewerCheck, owner_of
from indelible.web.digests import Digests
from indelible.web.exporting import CHOICES, Exporting
from indelible.web.facets import Facets
from indelible.web.frame import STATIC, Frame, once
from indelible.web.history import History
from indelible.web.jobs import Jobs
from indelible.web.links import read as read_link
from indelible.web.narrowing import narrowing
from indelible.web.programs import Programs
from indelible.web.recording import Looks
from indelible.web.state import Problem, State, number, understand
from indelible.web.user import User
from indelible.web.view import Row, row, rows
from indelible.web.views import Views
from indelible.web.webhooks import Webhooks

PRESETS = {"All time": "", "Today": "today", "24 hours": "24h", "7 days": "7d", "30 days": "30d", "90 days": "90d"}
PAGE_SIZE = 50
SECONDS = 10.0  # that a search may take
FIELDS = ("q", "since", "until")


def create_app(
    log: Log,
    *,
    viewer: ViewerCheck,
    shell: Shell | None,
    refresh: Callable[[], object],
    upkeep: Upkeep,
) -> Starlette:
    """The audit pages of `log`. `refresh` seals what is outstanding, so that a page shows every committed change."""

    def linked(request: Request) -> Viewer | Response:
        found = read_link(upkeep.desk.secrets, request.path_params["link"])
        return found or PlainTextResponse("This link has ended. Open the page that it was on again.", 403)

    frame, parts = Frame(viewer, shell, lambda: upkeep.found), (log, refresh, upkeep)
    static = Mount("/static", _Static(directory=STATIC))
    routes = [
        *_reading(frame, *parts),
        *Webhooks(frame, upkeep).routes(),
        *Digests(frame, upkeep).routes(),
        *Jobs(frame, upkeep).routes(),
        Route("/feed/{webhook}", Programs(frame, log, upkeep).feed),
        static,
        over_lines(Mount("/as/{link}", routes=[static, *_reading(Frame(linked, None, lambda: upkeep.found), *parts)])),
        over_lines(Route("/{rest:path}", frame.page(frame.missing))),
    ]
    return Starlette(routes=routes)


def _reading(frame: Frame, log: Log, refresh: Callable[[], object], upkeep: Upkeep) -> list[BaseRoute]:
    """What whoever may see entries may do with them."""
    views = Views(frame, upkeep)
    pages, programs = Pages(frame, log, refresh, upkeep, views), Programs(frame, log, upkeep)
    return [
        Route("/", frame.page(pages.entries)),
        Route("/entry/{seq}", frame.page(pages.entry)),
        Route("/entry/{seq}/proof", frame.page(pages.proof)),
        Route("/suggest", frame.page(pages.suggest)),
        *Facets(frame, log, Looks(log, upkeep)).routes(),
        *History(frame, log, pages.freshen, Looks(log, upkeep)).routes(),
        *User(frame, log, pages.freshen, Looks(log, upkeep)).routes(),
        *Exporting(frame, log, upkeep, pages.freshen).routes(),
        *views.routes(),
        Route("/live", frame.page(programs.live)),
        Route("/checkpoint", frame.page(programs.checkpoint)),
        Route("/consistency", frame.page(programs.consistency)),
        over_lines(Route("/tile/{path:path}", frame.page(programs.tile))),
    ]


class Pages:
    """One method a page of the log. Each is given the viewer whom the host recognised."""

    def __init__(self, frame: Frame, log: Log, refresh: Callable[[], object], upkeep: Upkeep, views: Views) -> None:
        self._frame = frame
        self._views = views
        self._log = log
        self._refresh = refresh
        self._upkeep = upkeep
        self._looks = Looks(log, upkeep)

    def entries(self, request: Request, viewer: Viewer) -> Response:
        """The list: what the address asks for, newest first. Where it asks for nothing, what this viewer sees first."""
        if not request.query_params and (first := self._views.first(viewer)):
            return self._frame.go(request, f"/{first.link()}")
        state, notice = State.read(request.query_params), self.freshen()
        now = datetime.now(UTC)
        query, problems = understand(state, now)
        page = narrower = None
        if query is not None:
            self._looks.searched(request, viewer, query, state.since, state.until)
            try:
                page = self._found(query, state, viewer)
            except SlowSearchError as error:
                problems = [Problem("q", str(error))]
            else:
                narrower = narrowing(state=state, query=query, counted=page.counted, viewer=viewer, now=now)
        found = page.entries if page else []
        lines = zip(found, page.lines if page else (), strict=True)
        unfolded, line = next((pair for pair in lines if pair[0].seq == state.open), (None, b""))
        values = {
            "state": state, "problems": dict.fromkeys(FIELDS) | {p.field: p for p in problems}, "notice": notice,
            "viewer": viewer, "page": page, "rows": rows(found), "together": self._together(unfolded, viewer),
            "line": line.decode(), "verifier": self._log.verifier,
            "views": self._views.seen(viewer), "keeps": owner_of(viewer.actor) is not None, "narrowing": narrower,
            "exports": CHOICES, "columns": COLUMNS, "once": once({}), "presets": PRESETS.items(),
            "size": self._log.head().size, "signed": self._log.signed_size(), "assurance": self._upkeep.assurance,
            "meant": self._meant(state, page, viewer, now),
        }  # fmt: skip
        return self._frame.show(request, "Audit log", "entries.html", values, 400 if problems else 200)

    def _found(self, query: Query, state: State, viewer: Viewer) -> Page:
        return find(
            self._log.replica, query, organization=viewer.organization, before=state.before, after=state.after,
            limit=PAGE_SIZE, seconds=SECONDS,
        )  # fmt: skip

    def _meant(self, state: State, page: Page | None, viewer: Viewer, now: datetime) -> str | None:
        """Where nothing is found."""
        nothing = page is not None and page.count == 0 and state.q
        return meant(self._log.replica, state.q, viewer.organization, now) if nothing else None

    def entry(self, request: Request, viewer: Viewer) -> Response:
        """One entry: as a page of its own, or unfolded or folded in the list (`?row=open`, `?row=closed`)."""
        line = self._line(request, viewer)
        if line is None:
            return self._frame.missing(request, viewer)
        entry = read(line)
        self._looks.opened(request, viewer, entry.seq)
        shown = request.query_params.get("row")
        state, same = State.read(request.query_params), self._together(entry, viewer)
        told = row(entry, joined="joined" in request.query_params)
        values = {
            "row": told, "line": line.decode(), "state": state, "together": same, "verifier": self._log.verifier,
            "viewer": viewer,
        }  # fmt: skip
        if shown in ("open", "closed"):
            values["open"] = shown == "open"
            return HTMLResponse(self._frame.render(request, "row.html", values), headers={"Cache-Control": "no-store"})
        return self._frame.show(request, f"Entry {entry.seq}", "entry.html", values, 200)

    def proof(self, request: Request, viewer: Viewer) -> Response:
        """What proves one entry, to be verified anywhere (c2sp.org/tlog-proof)."""
        line = self._line(request, viewer)
        try:
            proof = self._log.proof(read(line).seq) if line else None
            if proof is not None:
                self._looks.opened(request, viewer, proof.index)
        except NotFoundError:  # it is not signed yet
            proof = None
        if proof is None:
            return self._frame.missing(request, viewer)
        named = {"Content-Disposition": f'attachment; filename="entry-{proof.index}.tlog-proof"'}
        return PlainTextResponse(str(proof), headers=named | {"Cache-Control": "no-store"})

    def _line(self, request: Request, viewer: Viewer) -> bytes | None:
        """Of the entry that the address names; another organization's is not there, for this viewer."""
        with suppress(NotFoundError):
            return own_line(self._log, number(request.path_params["seq"]), viewer.organization)
        return None

    def suggest(self, request: Request, viewer: Viewer) -> Response:
        """How the query may go on: the options of the search bar's list."""
        text = request.query_params.get("q", "")[:MAX_QUERY]
        values = {"suggestions": suggest(self._log.replica, text, viewer.organization)}
        told = self._frame.render(request, "suggestions.html", values)
        return HTMLResponse(told, headers={"Cache-Control": "no-store"})

    def _together(self, entry: Entry | None, viewer: Viewer) -> list[Row]:
        return rows(together(self._log.replica, entry, viewer.organization)) if entry else []

    def freshen(self) -> str:
        """Seal what is outstanding; if that fails the page says so and shows what is there."""
        try:
            self._refresh()
        except Error as error:
            return str(error)
        return ""


class _Static(StaticFiles):
    """Kept by browsers for good: the address changes with the content."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
