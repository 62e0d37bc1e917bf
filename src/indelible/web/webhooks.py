"""The pages of webhooks: who hears of entries, and what became of each delivery. For whoever may manage them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from indelible.errors import NotFoundError, RepeatedError
from indelible.event import EPOCH
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web.frame import Form, Frame, by_of, once
from indelible.webhooks import signing
from indelible.webhooks.deliveries import Attempt
from indelible.webhooks.endpoint import Endpoint, check_contact, check_filter, check_organization
from indelible.webhooks.secret import Secret
from indelible.webhooks.service import Webhooks as Service
from indelible.wording import wrong

DONE = {
    "test": "A test event was sent.", "paused": "Paused. Nothing is sent until it is resumed, and nothing is lost.",
    "resumed": "Resumed, from where it stopped.", "changed": "Saved.", "removed": "Removed.",
    "repeated": "It was added already, by the same form, and its secret was shown then. Rotate it to get a new one.",
    "replayed": "It is delivered again, as soon as the receiver takes it.",
}  # fmt: skip
FIELDS = ("url", "filter", "organization", "contact")
LISTED = 50


class Webhooks:
    """One method a page or a form."""

    def __init__(self, frame: Frame, upkeep: Upkeep) -> None:
        self._frame = frame
        self._upkeep = upkeep

    def routes(self) -> Sequence[BaseRoute]:
        acts = {"test": self.test, "pause": self.pause, "resume": self.resume, "rotate": self.rotate,
                "replay": self.replay, "remove": self.remove, "change": self.change}  # fmt: skip
        return [
            Route("/webhooks/", self._frame.managing(self.list), methods=["GET"]),
            Route("/webhooks/", self._frame.managing_form(self.add), methods=["POST"]),
            Route("/webhooks/{id}", self._frame.managing(self.one), methods=["GET"]),
            *(
                Route(f"/webhooks/{{id}}/{name}", self._frame.managing_form(act), methods=["POST"])
                for name, act in acts.items()
            ),
            Route("/webhooks/{id}/{message}", self._frame.managing(self.delivery), methods=["GET"]),
        ]

    @property
    def _webhooks(self) -> Service:
        return self._upkeep.desk.webhooks

    def list(self, request: Request, viewer: Viewer) -> Response:
        return self._list(request, viewer, {}, {})

    def _list(self, request: Request, viewer: Viewer, form: Form, problems: dict[str, str]) -> Response:
        endpoints = self._webhooks.endpoints.all(viewer.organization)
        values = {
            "endpoints": [(each, self._webhooks.deliveries.states(each.id)) for each in endpoints], "viewer": viewer,
            "form": dict.fromkeys(FIELDS, "") | form, "problems": dict.fromkeys(FIELDS, "") | problems,
            "once": once(form),
            "undeliverable": self._webhooks.endpoints.problem,
            "done": DONE.get(request.query_params.get("done", "")),
        }  # fmt: skip
        return self._frame.show(request, "Webhooks", "webhooks.html", values, 400 if problems else 200)

    def add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        given = {name: form.get(name, "") for name in (*FIELDS, "once")}
        organization = given["organization"].strip() or None
        checks = self._checks(given) | {"organization": lambda: check_organization(organization)}
        if problems := wrong(**checks):
            return self._list(request, viewer, given, problems)
        try:
            added = self._webhooks.endpoints.add(
                given["url"], by_of(request, viewer), filter=given["filter"], organization=organization,
                contact=given["contact"], once=given["once"],
            )  # fmt: skip
        except RepeatedError as error:  # a reload of the page that shows the secret
            return self._frame.go(request, f"/webhooks/{error.id}?done=repeated")
        return self._secret(request, *added)

    def _checks(self, given: Form, kept: str | None = None) -> dict[str, Callable[[], object]]:
        """A filter that stays is not asked whether it would be taken today."""
        checks: dict[str, Callable[[], object]] = {
            "url": lambda: self._webhooks.endpoints.check_url(given["url"]),
            "contact": lambda: check_contact(given["contact"]),
        }
        stays = given["filter"].strip() == kept
        return checks if stays else checks | {"filter": lambda: check_filter(given["filter"], datetime.now(UTC))}

    def one(self, request: Request, viewer: Viewer) -> Response:
        return self._one(request, viewer, None, {})

    def _one(self, request: Request, viewer: Viewer, form: Form | None, problems: dict[str, str]) -> Response:
        endpoint, deliveries = self._endpoint(request, viewer), self._webhooks.deliveries
        kept = {"url": endpoint.url, "filter": endpoint.filter, "contact": endpoint.contact or "", "organization": ""}
        values = {
            "endpoint": endpoint, "states": deliveries.states(endpoint.id),
            "keys": self._webhooks.endpoints.public_keys(endpoint), "created": _shown(endpoint.created_at),
            "failing": endpoint.failing_since and _shown(endpoint.failing_since),
            "behind": max(0, self._upkeep.size() - endpoint.cursor),
            "attempts": [
                (_shown(each.started_at), each) for each in deliveries.attempts(endpoint.id, limit=LISTED)
            ],
            "undeliverable": self._webhooks.endpoints.problem,
            "form": form or kept, "problems": dict.fromkeys(FIELDS, "") | problems,
            "done": DONE.get(request.query_params.get("done", "")), "viewer": viewer,
        }  # fmt: skip
        return self._frame.show(request, endpoint.name, "webhook.html", values, 400 if problems else 200)

    def change(self, request: Request, viewer: Viewer, form: Form) -> Response:
        endpoint = self._endpoint(request, viewer)
        given = {name: form.get(name, "") for name in FIELDS}
        if problems := wrong(**self._checks(given, endpoint.filter)):
            return self._one(request, viewer, given, problems)
        self._webhooks.endpoints.change(
            endpoint.id, by_of(request, viewer), url=given["url"], filter=given["filter"], contact=given["contact"]
        )
        return self._back(request, endpoint, "changed")

    def test(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        endpoint = self._endpoint(request, viewer)
        attempt = self._webhooks.test(endpoint.id, by_of(request, viewer))
        return self._frame.go(request, f"/webhooks/{endpoint.id}/{attempt.message}")

    def pause(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        endpoint = self._webhooks.endpoints.pause(request.path_params["id"], by_of(request, viewer))
        return self._back(request, endpoint, "paused")

    def resume(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        endpoint = self._webhooks.endpoints.resume(request.path_params["id"], by_of(request, viewer))
        return self._back(request, endpoint, "resumed")

    def rotate(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        rotated = self._webhooks.endpoints.rotate(request.path_params["id"], by_of(request, viewer))
        return self._secret(request, *rotated)

    def replay(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """One delivery, or all that failed."""
        endpoint, by = self._endpoint(request, viewer), by_of(request, viewer)
        if message := form.get("message"):
            self._webhooks.replay(endpoint.id, message, by)
        else:
            self._webhooks.replay_failed(endpoint.id, by)
        return self._back(request, endpoint, "replayed")

    def remove(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        self._webhooks.endpoints.remove(request.path_params["id"], by_of(request, viewer))
        return self._frame.go(request, "/webhooks/?done=removed")

    def delivery(self, request: Request, viewer: Viewer) -> Response:
        """One entry's way to one endpoint: each request and its answer."""
        endpoint, message = self._endpoint(request, viewer), request.path_params["message"]
        found = self._webhooks.deliveries.one(endpoint.id, message)
        if found is None:
            raise NotFoundError(message)
        attempts = self._webhooks.deliveries.attempts_of(endpoint.id, message)
        values = {
            "endpoint": endpoint, "delivery": found, "due": _shown(found.due_at),
            "attempts": [
                (_shown(each.started_at), each, self._request(each, found.seq), _text(each)) for each in attempts
            ],
        }  # fmt: skip
        return self._frame.show(request, "Delivery", "delivery.html", values)

    def _request(self, attempt: Attempt, seq: int | None) -> str:
        """Without its signature, which nobody needs who is not the receiver."""
        body = self._webhooks.body(attempt, seq)
        if body is None:
            return ""
        timestamp = attempt.started_at // 1_000_000
        return f"{signing.ID}: {attempt.message}\n{signing.TIMESTAMP}: {timestamp}\n\n{body.decode()}"

    def _secret(self, request: Request, endpoint: Endpoint, secret: Secret) -> Response:
        values = {"endpoint": endpoint, "secret": secret.shared, "public": secret.public}
        return self._frame.show(request, "The webhook's secret", "webhook_secret.html", values)

    def _endpoint(self, request: Request, viewer: Viewer) -> Endpoint:
        return self._webhooks.endpoints.get(request.path_params["id"], viewer.organization)

    def _back(self, request: Request, endpoint: Endpoint, done: str) -> Response:
        return self._frame.go(request, f"/webhooks/{endpoint.id}?done={done}")


def _shown(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _text(attempt: Attempt) -> str:
    return "" if attempt.answer is None else attempt.answer.decode("utf-8", "replace").replace("\0", "\ufffd")
