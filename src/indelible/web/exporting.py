"""Taking entries away: at once, streamed, or made in the background and taken later. Either is on record first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from indelible.errors import NotFoundError, SlowSearchError, UsageError
from indelible.event import EPOCH
from indelible.export import format_of, write
from indelible.export.csv import COLUMNS
from indelible.exports.exports import OPEN, Export
from indelible.exports.exports import Exports as Service
from indelible.log import Log
from indelible.search.page import batches, count
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web.frame import Form, Frame, by_of, once
from indelible.web.state import State, understand
from indelible.wording import wrong
from indelible.work.announcements import note

CHOICES = (
    ("csv", "CSV", "safe in spreadsheets"), ("csv-raw", "CSV, raw", "for programs"),
    ("json", "JSON", "one array"), ("jsonl", "JSON Lines", "the log’s very bytes"), ("ocsf", "OCSF", "for a SIEM"),
    ("cloudevents", "CloudEvents", "for event tools"),
)  # fmt: skip
FIELDS = ("q", "since", "until", "format", "columns")
COLUMN = "column."  # what a checkbox's name begins with
SECONDS = 20.0  # to count what is found
DONE = {
    "asked": "You may leave this page: it is made in the background.",
    "removed": "Removed.",
    "resumed": "It goes on.",
}


class Exporting:
    """For every viewer: their own."""

    def __init__(self, frame: Frame, log: Log, upkeep: Upkeep, refresh: Callable[[], str]) -> None:
        self._frame = frame
        self._log = log
        self._upkeep = upkeep
        self._refresh = refresh

    def routes(self) -> Sequence[BaseRoute]:
        page, form = self._frame.page, self._frame.form
        return [
            Route("/export", page(self.download)),
            Route("/count", page(self.count)),
            Route("/exports/", page(self.list), methods=["GET"]),
            Route("/exports/", form(self.add), methods=["POST"]),
            Route("/exports/{id}/file", page(self.file)),
            Route("/exports/{id}/manifest", page(self.manifest)),
            Route("/exports/{id}/remove", form(self.remove), methods=["POST"]),
            Route("/exports/{id}/resume", form(self.resume), methods=["POST"]),
        ]

    @property
    def _exports(self) -> Service:
        return self._upkeep.desk.exports

    def download(self, request: Request, viewer: Viewer) -> Response:
        """A file of exactly what the address asks for."""
        self._refresh()
        asked = _Asked(request.query_params)
        if asked.query is None or asked.problems:
            return self._again(request, viewer, asked)
        state, form = asked.state, format_of(asked.format, asked.columns)
        filename = f"audit-log-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.suffix}"
        headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
        if request.method == "HEAD":  # nothing is taken away, so nothing is recorded
            return Response(headers=headers, media_type=form.media_type)
        self._log.sign()  # whatever keeps the log from being signed keeps the export from being recorded as done
        end = self._log.replica.head().size  # before the export's own entry
        told = {
            "format": asked.format, "columns": ",".join(asked.columns), "query": state.q, "since": state.since,
            "until": state.until, "up_to_entry": end - 1 if end else None,
        }  # fmt: skip
        note(self._log, by_of(request, viewer), "AUDIT_EXPORTED", "export", told)
        taken = batches(self._log.replica, asked.query, organization=viewer.organization, end=end)
        found = (lines for _, lines in taken)
        return StreamingResponse(write(found, form, self._log.origin), media_type=form.media_type, headers=headers)

    def count(self, request: Request, viewer: Viewer) -> Response:
        """How many entries the address finds, exactly, as a piece of the page."""
        self._refresh()
        query, _ = understand(State.read(request.query_params), datetime.now(UTC))
        try:
            found = count(self._log.replica, query, organization=viewer.organization, seconds=SECONDS) if query else 0
            told = f"Exactly {found:,}"
        except SlowSearchError:
            told = f"Not counted within {SECONDS:.0f} seconds, but all"
        return HTMLResponse(told, headers={"Cache-Control": "no-store"})

    def list(self, request: Request, viewer: Viewer) -> Response:
        return self._list(request, viewer)

    def _list(self, request: Request, viewer: Viewer, problem: str = "", status: int = 200) -> Response:
        found = self._exports.seen(by_of(request, viewer), manages=viewer.manages)
        values = {
            "exports": [_Shown(each) for each in found], "viewer": viewer, "problem": problem,
            "busy": any(each.state in OPEN for each in found), "done": DONE.get(request.query_params.get("done", "")),
        }  # fmt: skip
        return self._frame.show(request, "Exports", "exports.html", values, status)

    def add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        self._refresh()
        asked = _Asked(form)
        if asked.problems:
            return self._again(request, viewer, asked)
        try:
            self._exports.add(
                by_of(request, viewer), form=asked.format, columns=asked.columns, query=asked.state.q,
                since=asked.state.since, until=asked.state.until, once=form.get("once", ""),
            )  # fmt: skip
        except UsageError as error:  # of no field: they have too many, say
            return self._again(request, viewer, asked, str(error))
        return self._frame.go(request, "/exports/?done=asked")

    def _again(self, request: Request, viewer: Viewer, asked: "_Asked", problem: str = "") -> Response:
        """All that was asked for, to be mended. `problem`: with the whole of it."""
        values = {
            "asked": asked, "problems": dict.fromkeys(FIELDS, "") | asked.problems, "problem": problem,
            "exports": CHOICES, "columns": COLUMNS, "once": once({}), "viewer": viewer,
        }  # fmt: skip
        return self._frame.show(request, "Export", "export.html", values, 400)

    def file(self, request: Request, viewer: Viewer) -> Response:
        """With ranges (RFC 9110, 14), so that a download that was broken off goes on."""
        asked = request.path_params["id"], by_of(request, viewer)
        try:
            if request.method == "HEAD":  # nothing is taken
                export = self._exports.get(*asked, manages=viewer.manages)
                return Response(headers={"Content-Length": str(export.bytes), "Accept-Ranges": "bytes"})
            export, path = self._exports.take(*asked, manages=viewer.manages)
        except NotFoundError as error:
            return self._list(request, viewer, str(error), 404)
        return FileResponse(path, filename=export.filename, media_type=export.form.media_type, headers=_UNKEPT)

    def manifest(self, request: Request, viewer: Viewer) -> Response:
        try:
            export = self._exports.get(request.path_params["id"], by_of(request, viewer), manages=viewer.manages)
        except NotFoundError:
            return self._frame.missing(request, viewer)
        if export.state != "done":
            return self._frame.missing(request, viewer)
        named = {"Content-Disposition": f'attachment; filename="{export.filename}.manifest.json"'}
        return Response(export.told, media_type="application/json", headers=named | _UNKEPT)

    def remove(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        return self._changed(request, viewer, self._exports.remove, "removed")

    def resume(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        return self._changed(request, viewer, self._exports.resume, "resumed")

    def _changed(self, request: Request, viewer: Viewer, change: Callable[..., None], done: str) -> Response:
        try:
            change(request.path_params["id"], by_of(request, viewer), manages=viewer.manages)
        except NotFoundError:
            return self._frame.missing(request, viewer)
        return self._frame.go(request, f"/exports/?done={done}")


_UNKEPT = {"Cache-Control": "no-store"}


class _Shown:
    """An export as the page shows it."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.search = State(q=export.query, since=export.since, until=export.until)
        self.asked_at = EPOCH + timedelta(microseconds=export.asked_at)
        self.until = export.until_at and EPOCH + timedelta(microseconds=export.until_at)
        self.open = export.state in OPEN


class _Asked:
    """What is to be taken away, as a form or an address asks for it, and what is wrong with it, by its field."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.state = State.read(given)
        self.format = given.get("format", "")
        self.ticked = _ticked(given)
        self.query, problems = understand(self.state, datetime.now(UTC))
        self.problems = {each.field: each.message for each in problems} | wrong(
            format=lambda: format_of(self.format), columns=lambda: _check_columns(self.format, given)
        )

    @property
    def columns(self) -> list[str]:
        """Of CSV; none where all are ticked."""
        some = self.format.startswith("csv") and len(self.ticked) < len(COLUMNS)
        return self.ticked if some else []


def _boxes(given: Mapping[str, str]) -> dict[str, str]:
    """A form with boxes has one more field, of no name: it tells none ticked from an address that names none."""
    return {name.removeprefix(COLUMN): value for name, value in given.items() if name.startswith(COLUMN)}


def _ticked(given: Mapping[str, str]) -> list[str]:
    boxes = _boxes(given)
    return [name for name in COLUMNS if not boxes or boxes.get(name, "off") != "off"]


def _check_columns(form: str, given: Mapping[str, str]) -> None:
    """Raises UsageError; for a column that is none whatever the format: more would be taken than was meant."""
    if named := [name for name in _boxes(given) if name]:
        format_of("csv", named)
    if form.startswith("csv") and not _ticked(given):
        raise UsageError("No column is ticked. Tick those that the file is to have.")
