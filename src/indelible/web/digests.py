"""The pages of digests: who gets summaries by mail; and, for whoever has such a mail, the way out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from indelible.digests.digests import TIMES, check_digest_name, check_digest_query, check_frequency, check_recipient
from indelible.digests.digests import Digests as Service
from indelible.errors import Error, MalformedError, NotFoundError
from indelible.event import EPOCH
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer, context_of
from indelible.web.frame import SOURCE, Form, Frame, by_of, once
from indelible.webhooks.endpoint import check_organization
from indelible.wording import wrong

DONE = {"added": "Added. The first one is of what happens from now on.", "removed": "Removed."}
FIELDS = ("recipient", "frequency", "name", "query", "organization")


class Digests:
    """One method a page or a form."""

    def __init__(self, frame: Frame, upkeep: Upkeep) -> None:
        self._frame = frame
        self._upkeep = upkeep

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/digests/", self._frame.managing(self.list), methods=["GET"]),
            Route("/digests/", self._frame.managing_form(self.add), methods=["POST"]),
            Route("/digests/{id}/remove", self._frame.managing_form(self.remove), methods=["POST"]),
            Route("/digests/{id}/unsubscribe", self.unsubscribe, methods=["GET", "POST"]),
        ]

    @property
    def _digests(self) -> Service:
        return self._upkeep.desk.digests

    def list(self, request: Request, viewer: Viewer) -> Response:
        return self._list(request, viewer, {}, {})

    def _list(self, request: Request, viewer: Viewer, form: Form, problems: dict[str, str]) -> Response:
        digests = self._digests.all(viewer.organization)
        values = {
            "digests": [(each, EPOCH + timedelta(microseconds=each.covered_at)) for each in digests],
            "viewer": viewer, "times": TIMES, "mails": self._upkeep.mails,
            "form": dict.fromkeys(FIELDS, "") | {"frequency": "weekly"} | form, "once": once(form),
            "problems": dict.fromkeys(FIELDS, "") | problems, "done": DONE.get(request.query_params.get("done", "")),
        }  # fmt: skip
        return self._frame.show(request, "Digests", "digests.html", values, 400 if problems else 200)

    def add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        given = {name: form.get(name, "") for name in FIELDS} | {"organization": form.get("organization", "").strip()}
        problems = wrong(
            recipient=lambda: check_recipient(given["recipient"]),
            frequency=lambda: check_frequency(given["frequency"]),
            query=lambda: check_digest_query(given["query"], datetime.now(UTC)),
            organization=lambda: check_organization(given["organization"]),
            name=lambda: check_digest_name(given["name"]),
        )
        if problems:
            return self._list(request, viewer, form | given, problems)
        by = by_of(request, viewer)
        sent = given | {"organization": given["organization"] or None, "once": form.get("once", "")}
        self._digests.add(by, **sent)  # type: ignore[arg-type]  # its fields are named above
        return self._frame.go(request, "/digests/?done=added")

    def remove(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        by = by_of(request, viewer)
        self._digests.remove(request.path_params["id"], by)
        return self._frame.go(request, "/digests/?done=removed")

    async def unsubscribe(self, request: Request) -> Response:
        """By the link of a mail, which is all that whoever has it needs. GET asks: mail scanners follow links.

        POST does it, from that page or from a mail program (RFC 8058, 3.1).
        """
        return await run_in_threadpool(self._unsubscribe, request)

    def _unsubscribe(self, request: Request) -> Response:
        id_, token = request.path_params["id"], request.query_params.get("token", "")
        values: dict[str, Any] = {"id": id_, "token": token, "state": "asked", "name": ""}
        try:
            if request.method == "POST":
                gone = self._digests.unsubscribe(id_, token, context_of(request, SOURCE))
                values |= {"state": "done", "name": gone.name}
            elif not self._digests.known(id_, token):
                values["state"] = "unknown"
        except (MalformedError, NotFoundError):
            values["state"] = "unknown"
        except Error:
            values["state"] = "failed"
        status = {"unknown": 404, "failed": 503}.get(values["state"], 200)
        page = self._frame.render(request, "unsubscribe.html", values)
        return HTMLResponse(page, status, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
