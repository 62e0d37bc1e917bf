"""The routes. Every page works without JavaScript; htmx only saves the reload."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from indelible.errors import Error, NotFoundError
from indelible.event import Entry, read
from indelible.export import FORMATS
from indelible.log import Log
from indelible.search.page import find
from indelible.search.together import together
from indelible.upkeep import Upkeep
from indelible.viewer import Page, Shell, Viewer, ViewerCheck
from indelible.web.exporting import export
from indelible.web.programs import Programs
from indelible.web.state import State, number, understand
from indelible.web.view import Row, row, rows

STATIC = Path(__file__).with_name("static")
PRESETS = {"All time": "", "Today": "today", "24 hours": "24h", "7 days": "7d", "30 days": "30d", "90 days": "90d"}
PAGE_SIZE = 50
FIELDS = ("q", "since", "until")

_templates = Environment(
    loader=PackageLoader("indelible.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def create_app(
    log: Log,
    *,
    viewer: ViewerCheck,
    shell: Shell | None,
    refresh: Callable[[], object],
    upkeep: Upkeep,
) -> Starlette:
    """The audit pages of `log`. `refresh` seals what is outstanding, so that a page shows every committed change."""
    pages = Pages(log, viewer, shell or _plain_shell, refresh, upkeep)
    programs = Programs(log, viewer, pages.missing, upkeep)
    routes = [
        Route("/", pages.answer(pages.entries)),
        Route("/entry/{seq}", pages.answer(pages.entry)),
        Route("/export", pages.answer(pages.export)),
        Route("/live", pages.answer(programs.live)),
        Route("/feed/{webhook}", programs.feed),
        Route("/checkpoint", pages.answer(programs.checkpoint)),
        Route("/tile/{path:path}", pages.answer(programs.tile)),
        Mount("/static", _Static(directory=STATIC)),
        Route("/{rest:path}", pages.answer(pages.missing)),
    ]
    return Starlette(routes=routes)


class Pages:
    """One method a page. Each is given the viewer whom the host recognised."""

    def __init__(
        self,
        log: Log,
        viewer: ViewerCheck,
        shell: Shell,
        refresh: Callable[[], object],
        upkeep: Upkeep,
    ) -> None:
        self._log = log
        self._upkeep = upkeep
        self._viewer = viewer
        self._shell = shell
        self._refresh = refresh

    def answer(self, page: Callable[[Request, Viewer], Response]) -> Callable[[Request], Any]:
        """An endpoint: asks the host who looks, in a worker thread, and lets nobody else in."""

        def decide(request: Request) -> Response:
            viewer = self._viewer(request)
            if not isinstance(viewer, Viewer):
                return viewer
            try:
                return page(request, viewer)
            except Error as error:  # the disk is full, the file is damaged: a page that says so, not a stack trace
                return self._show(request, "The log cannot be used", "failure.html", {"error": error}, 503)

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(decide, request)

        return endpoint

    def entries(self, request: Request, viewer: Viewer) -> Response:
        """The list: what the address asks for, newest first."""
        state, notice = State.read(request.query_params), self._freshen()
        query, problems = understand(state, datetime.now(UTC))
        page = None
        if query is not None:
            scope = viewer.organization
            page = find(self._log, query, organization=scope, before=state.before, after=state.after, limit=PAGE_SIZE)
        found = page.entries if page else []
        unfolded = next((each for each in found if each.seq == state.open), None)
        values = {
            "state": state, "problems": dict.fromkeys(FIELDS) | {p.field: p for p in problems}, "notice": notice,
            "viewer": viewer, "page": page, "rows": rows(found), "together": self._together(unfolded, viewer),
            "presets": PRESETS.items(), "size": self._log.head().size, "signed": self._log.signed_size(),
            "assurance": self._upkeep.assurance,
        }  # fmt: skip
        return self._show(request, "Audit log", "entries.html", values, 400 if problems else 200)

    def entry(self, request: Request, viewer: Viewer) -> Response:
        """One entry: as a page of its own, or unfolded or folded in the list (`?row=open`, `?row=closed`)."""
        seq = number(request.path_params["seq"])
        try:
            line = self._log.line(-1 if seq is None else seq)
        except NotFoundError:
            return self.missing(request, viewer)
        entry = read(line)
        if viewer.organization not in (None, entry.organization and entry.organization.id):
            return self.missing(request, viewer)  # another organization's entry is not there, for this viewer
        shown = request.query_params.get("row")
        state, same = State.read(request.query_params), self._together(entry, viewer)
        told = row(entry, joined="joined" in request.query_params)
        values = {"row": told, "line": line.decode(), "state": state, "together": same}
        if shown in ("open", "closed"):
            values["open"] = shown == "open"
            return HTMLResponse(self._render(request, "row.html", values), headers={"Cache-Control": "no-store"})
        return self._show(request, f"Entry {seq}", "entry.html", values, 200)

    def _together(self, entry: Entry | None, viewer: Viewer) -> list[Row]:
        return rows(together(self._log, entry, viewer.organization)) if entry else []

    def missing(self, request: Request, _viewer: Viewer) -> Response:
        """What is not there, or not for this viewer: they cannot tell which."""
        seq = request.path_params.get("seq", "")[:40].replace("\0", "\ufffd")
        title = "No such entry" if seq else "No such page"
        return self._show(request, title, "missing.html", {"title": title, "seq": seq}, 404)

    def export(self, request: Request, viewer: Viewer) -> Response:
        """A file of exactly what the address asks for; itself an entry."""
        state = State.read(request.query_params)
        self._freshen()
        query, problems = understand(state, datetime.now(UTC))
        if query is None:
            return PlainTextResponse("\n".join(f"{p.field}: {p.message}" for p in problems), 400)
        name = request.query_params.get("format", "")
        if name not in FORMATS:
            return PlainTextResponse(f"format: {name[:40]!r} is none of {', '.join(FORMATS)}.", 400)
        filename = f"audit-log-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{FORMATS[name].suffix}"
        headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
        if request.method == "HEAD":  # nothing is taken away, so nothing is recorded
            return Response(headers=headers, media_type=FORMATS[name].media_type)
        chunks = export(self._log, query, name, viewer, request, state)
        return StreamingResponse(chunks, media_type=FORMATS[name].media_type, headers=headers)

    def _freshen(self) -> str:
        """Seal what is outstanding; if that fails the page says so and shows what is there."""
        try:
            self._refresh()
        except Error as error:
            return str(error)
        return ""

    def _show(self, request: Request, title: str, template: str, values: dict[str, Any], status: int) -> Response:
        head = self._render(request, "head.html", {})
        page = Page(title=title, head=head, body=self._render(request, template, values))
        return HTMLResponse(self._shell(request, page), status, headers={"Cache-Control": "no-store"})

    def _render(self, request: Request, template: str, values: dict[str, Any]) -> str:
        base = request.scope.get("root_path", "")
        return _templates.get_template(template).render(base=base, version=_VERSION, **values)


class _Static(StaticFiles):
    """Kept by browsers for good: the address changes with the content."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _plain_shell(_request: Request, page: Page) -> str:
    """A whole document, for hosts that bring no frame of their own."""
    return _templates.get_template("shell.html").render(page=page)


def _version() -> str:
    """Changes with any static file, so that browsers may keep them for as long as they like."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]


_VERSION = _version()
