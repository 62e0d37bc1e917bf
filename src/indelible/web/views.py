"""The page of saved views: one's own, those that are shared, and the form that keeps another."""

from collections.abc import Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.errors import Error, NotFoundError, UsageError
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer, owner_of
from indelible.views.views import View, check_view_name
from indelible.views.views import Views as Service
from indelible.web.frame import Form, Frame, by_of
from indelible.web.state import State, problems_of
from indelible.wording import wrong

FIELDS = ("name", "q", "since", "until")
DONE = {"saved": "Saved.", "removed": "Removed."}


class Views:
    """For every viewer; to share one takes who manages."""

    def __init__(self, frame: Frame, upkeep: Upkeep) -> None:
        self._frame = frame
        self._upkeep = upkeep

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/views/", self._frame.page(self.list), methods=["GET"]),
            Route("/views/", self._frame.form(self.add), methods=["POST"]),
            Route("/views/{id}/remove", self._frame.form(self.remove), methods=["POST"]),
        ]

    @property
    def _views(self) -> Service:
        return self._upkeep.desk.views

    def seen(self, viewer: Viewer) -> Sequence[tuple[View, State]]:
        """For the page of entries, which is there without them, too."""
        if owner_of(viewer.actor) is None:
            return []
        with suppress(Error):
            return [(view, _state(view)) for view in self._views.seen(viewer.actor, viewer.organization)]
        return []

    def first(self, viewer: Viewer) -> State | None:
        """What the bare address of the page is to show."""
        with suppress(Error):
            found = self._views.first(viewer.actor, viewer.organization)
            return _state(found) if found else None
        return None

    def list(self, request: Request, viewer: Viewer) -> Response:
        asked = State.read(request.query_params)
        form = {"name": request.query_params.get("name", ""), "q": asked.q, "since": asked.since, "until": asked.until}
        return self._list(request, viewer, form, {})

    def _list(self, request: Request, viewer: Viewer, form: Form, problems: dict[str, str]) -> Response:
        own, views = owner_of(viewer.actor), self._views.seen(viewer.actor, viewer.organization)
        values = {
            "views": [(view, _state(view), view.owner == own) for view in views],
            "viewer": viewer, "form": dict.fromkeys((*FIELDS, "shared", "opens"), "") | form,
            "problems": dict.fromkeys((*FIELDS, "form"), "") | problems,
            "done": DONE.get(request.query_params.get("done", "")),
        }  # fmt: skip
        return self._frame.show(request, "Saved views", "views.html", values, 400 if problems else 200)

    def add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        name, asked = form.get("name", ""), State.read(form)
        problems = wrong(name=lambda: check_view_name(name)) | problems_of(asked)
        if problems:
            return self._list(request, viewer, form, problems)
        try:
            self._views.add(
                by_of(request, viewer), name=name, query=asked.q, since=asked.since, until=asked.until,
                shared=viewer.manages and form.get("shared") == "1", opens=form.get("opens") == "1",
            )  # fmt: skip
        except UsageError as error:  # of no field: they keep too many, say
            return self._list(request, viewer, form, {"form": str(error)})
        return self._frame.go(request, "/views/?done=saved")

    def remove(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        try:
            self._views.remove(request.path_params["id"], by_of(request, viewer), manages=viewer.manages)
        except NotFoundError:
            return self._frame.missing(request, viewer)
        return self._frame.go(request, "/views/?done=removed")


def _state(view: View) -> State:
    return State(q=view.query, since=view.since, until=view.until)
