"""What programs change: who hears of entries, which keys there are, which searches are kept, which exports are made."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.responses import FileResponse, Response

from indelible.api.checks import check, check_search
from indelible.api.operation import FILE, PART, Answer, Call, Operation, Parameter, reply
from indelible.api.problems import MEDIA_TYPE, ProblemError
from indelible.api.wire import (
    ApiKey,
    ApiKeys,
    ChangedWebhook,
    Coverage,
    CoverageOf,
    ExportList,
    ExportState,
    Problem,
    SavedView,
    SavedViews,
    SentExport,
    SentKey,
    SentView,
    SentWebhook,
    Tried,
    Webhook,
    WebhookList,
)
from indelible.errors import NotFoundError, UsageError
from indelible.event import EPOCH
from indelible.export import format_of
from indelible.exports.exports import Export
from indelible.keys.keys import Key, Keys, check_name
from indelible.upkeep import Upkeep
from indelible.views.views import View, check_view_name
from indelible.webhooks.endpoint import Endpoint, check_contact, check_filter
from indelible.webhooks.endpoints import Endpoints
from indelible.webhooks.secret import Secret

GONE = Answer("Done", None, ())
HOOKS = ("getWebhook", "changeWebhook", "pauseWebhook", "resumeWebhook", "rotateWebhook", "removeWebhook")
FILES = ("getExport", "getExportFile", "resumeExport", "removeExport")
HOURS = Parameter("overlap", "Hours for which the secret before is good, too (24)", "integer", most=720)


def _id(about: str, prefix: str) -> tuple[Parameter, ...]:
    return (Parameter("id", about, where="path", longest=64, pattern=f"^{prefix}_[0-9a-f]{{16}}$"),)


class ManagingKeys:
    """A key that may manage makes others, for its organization alone where it has one; with no scope it lacks."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def operations(self) -> Sequence[Operation]:
        one, key = Answer("The key", ApiKey), _id("Of a key", "ik")
        return [
            Operation("GET", "/keys", "listKeys", "All keys", "manage", self.list, answers={200: Answer("Keys",
                      ApiKeys)}),
            Operation("POST", "/keys", "addKey", "Make a key; it is shown in this answer alone", "manage", self.add,
                      body=SentKey, answers={201: one}, leads=("rotateKey", "removeKey")),
            Operation("POST", "/keys/{id}/rotate", "rotateKey", "Another secret for it", "manage", self.rotate,
                      (*key, HOURS), answers={200: one}),
            Operation("DELETE", "/keys/{id}", "removeKey", "From now on it opens nothing", "manage", self.remove, key,
                      answers={204: GONE}),
        ]  # fmt: skip

    def list(self, call: Call) -> Response:
        return reply(ApiKeys([_key(each) for each in self._keys.all(call.organization)]))

    def add(self, call: Call) -> Response:
        sent: SentKey = call.body
        check(
            name=lambda: check_name(sent.name),
            scopes=lambda: _check_within(call, sent.scopes),
            organization=lambda: _check_own(call, sent.organization),
        )
        key, text = self._keys.add(call.by, name=sent.name, scopes=sent.scopes, organization=sent.organization)
        return reply(_key(key, text), 201)

    def rotate(self, call: Call) -> Response:
        """Raises UsageError: whoever rotates a key has it."""
        _check_within(call, self._keys.get(call.values["id"], call.by).scopes.split(","))
        key, text = self._keys.rotate(call.values["id"], call.by, _overlap(call))
        return reply(_key(key, text))

    def remove(self, call: Call) -> Response:
        self._keys.remove(call.values["id"], call.by)
        return Response(status_code=204)


class Managing:
    """Webhooks, views, exports, coverage."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep

    def operations(self) -> Sequence[Operation]:
        hook, one = _id("Of a webhook", "wh"), Answer("The webhook", Webhook)
        view, export = _id("Of a view", "vw"), _id("Of an export", "ex")
        state = Answer("The export", ExportState)
        return [
            Operation("GET", "/webhooks", "listWebhooks", "All webhooks", "manage", self.webhooks,
                      answers={200: Answer("Webhooks", WebhookList)}),
            Operation("POST", "/webhooks", "addWebhook", "Add one; its secret is in this answer alone", "manage",
                      self.add_webhook, body=SentWebhook, answers={201: one}, leads=HOOKS),
            Operation("GET", "/webhooks/{id}", "getWebhook", "One webhook", "manage", self.webhook, hook,
                      answers={200: one}),
            Operation("PUT", "/webhooks/{id}", "changeWebhook", "Another address, filter or contact", "manage",
                      self.change_webhook, hook, body=ChangedWebhook, answers={200: one}),
            Operation("POST", "/webhooks/{id}/pause", "pauseWebhook", "Send nothing; nothing is lost", "manage",
                      self.pause_webhook, hook, answers={200: one}),
            Operation("POST", "/webhooks/{id}/resume", "resumeWebhook", "Go on from where it stopped", "manage",
                      self.resume_webhook, hook, answers={200: one}),
            Operation("POST", "/webhooks/{id}/rotate", "rotateWebhook", "Another secret for it", "manage",
                      self.rotate_webhook, (*hook, HOURS), answers={200: one}),
            Operation("POST", "/webhooks/{id}/test", "testWebhook", "Send one event that is none", "manage",
                      self.test_webhook, hook, answers={200: Answer("What came of it", Tried)}),
            Operation("DELETE", "/webhooks/{id}", "removeWebhook", "Remove it", "manage", self.remove_webhook, hook,
                      answers={204: GONE}),
            Operation("GET", "/views", "listViews", "Searches that this key kept, or that are shared", "read",
                      self.views,
                      answers={200: Answer("Views", SavedViews)}),
            Operation("POST", "/views", "addView", "Keep a search", "manage", self.add_view, body=SentView,
                      answers={201: Answer("The view", SavedView)}, leads=("removeView",)),
            Operation("DELETE", "/views/{id}", "removeView", "Remove one", "manage", self.remove_view, view,
                      answers={204: GONE}),
            Operation("GET", "/exports", "listExports", "Exports that are made in the background", "export",
                      self.exports,
                      answers={200: Answer("Exports", ExportList)}),
            Operation("POST", "/exports", "addExport", "Have one made", "export", self.add_export, body=SentExport,
                      answers={202: state}, leads=FILES),
            Operation("GET", "/exports/{id}", "getExport", "How far one is", "export", self.export, export,
                      answers={200: state}),
            Operation("GET", "/exports/{id}/file", "getExportFile", "Its file; taken in ranges, too", "export",
                      self.file, export,
                      answers={200: FILE, 206: PART, 416: Answer("It is shorter", Problem, (MEDIA_TYPE,))}),
            Operation("POST", "/exports/{id}/resume", "resumeExport", "Go on with one that failed", "export",
                      self.resume,
                      export, answers={200: state}),
            Operation("DELETE", "/exports/{id}", "removeExport", "Cancel one, or give up its file", "export",
                      self.remove_export, export, answers={204: GONE}),
            Operation("GET", "/coverage", "getCoverage", "Whether each table is watched as it was left", "manage",
                      self.coverage, answers={200: Answer("Tables", CoverageOf)}),
        ]  # fmt: skip

    def webhooks(self, call: Call) -> Response:
        return reply(WebhookList([_webhook(each) for each in self._endpoints.all(call.organization)]))

    def webhook(self, call: Call) -> Response:
        return reply(_webhook(self._endpoints.get(call.values["id"], call.organization)))

    def add_webhook(self, call: Call) -> Response:
        sent: SentWebhook = call.body
        check(**self._webhook_checks(sent), organization=lambda: _check_own(call, sent.organization))
        added = self._endpoints.add(
            sent.url, call.by, filter=sent.filter, organization=sent.organization, contact=sent.contact
        )
        return reply(_webhook(*added), 201)

    def change_webhook(self, call: Call) -> Response:
        sent: ChangedWebhook = call.body
        check(**self._webhook_checks(sent, self._endpoints.get(call.values["id"], call.organization).filter))
        changed = self._endpoints.change(
            call.values["id"], call.by, url=sent.url, filter=sent.filter, contact=sent.contact
        )
        return reply(_webhook(changed))

    def _webhook_checks(
        self, sent: SentWebhook | ChangedWebhook, kept: str | None = None
    ) -> dict[str, Callable[[], object]]:
        """A filter that stays is not asked whether it would be taken today."""
        checks: dict[str, Callable[[], object]] = {
            "url": lambda: self._endpoints.check_url(sent.url),
            "contact": lambda: check_contact(sent.contact),
        }
        stays = sent.filter.strip() == kept
        return checks if stays else checks | {"filter": lambda: check_filter(sent.filter, datetime.now(UTC))}

    def pause_webhook(self, call: Call) -> Response:
        return reply(_webhook(self._endpoints.pause(call.values["id"], call.by)))

    def resume_webhook(self, call: Call) -> Response:
        return reply(_webhook(self._endpoints.resume(call.values["id"], call.by)))

    def rotate_webhook(self, call: Call) -> Response:
        return reply(_webhook(*self._endpoints.rotate(call.values["id"], call.by, _overlap(call))))

    def test_webhook(self, call: Call) -> Response:
        tried = self._upkeep.desk.webhooks.test(call.values["id"], call.by)
        return reply(Tried(tried.failure is None, tried.status, tried.failure))

    def remove_webhook(self, call: Call) -> Response:
        self._endpoints.remove(call.values["id"], call.by)
        return Response(status_code=204)

    def views(self, call: Call) -> Response:
        seen = self._upkeep.desk.views.seen(call.key.actor, call.organization)
        return reply(SavedViews([_view(each) for each in seen]))

    def add_view(self, call: Call) -> Response:
        sent: SentView = call.body
        check_search(sent.query, sent.since, sent.until, name=lambda: check_view_name(sent.name))
        return reply(_view(self._upkeep.desk.views.add(call.by, **msgspec.structs.asdict(sent))), 201)

    def remove_view(self, call: Call) -> Response:
        self._upkeep.desk.views.remove(call.values["id"], call.by, manages=True)
        return Response(status_code=204)

    def exports(self, call: Call) -> Response:
        return reply(ExportList([_export(each) for each in self._upkeep.desk.exports.seen(call.by)]))

    def export(self, call: Call) -> Response:
        return reply(_export(self._upkeep.desk.exports.get(call.values["id"], call.by)))

    def add_export(self, call: Call) -> Response:
        sent: SentExport = call.body
        check_search(sent.query, sent.since, sent.until, columns=lambda: format_of(sent.format, sent.columns))
        made = self._upkeep.desk.exports.add(
            call.by, form=sent.format, columns=sent.columns, query=sent.query, since=sent.since, until=sent.until
        )
        return reply(_export(made), 202)

    def file(self, call: Call) -> Response:
        """409 while it is not done."""
        asked = self._upkeep.desk.exports.get(call.values["id"], call.by)
        if asked.state != "done":
            raise ProblemError(
                409, "It is not done yet", f"It is {asked.state}: {asked.percent} % were looked through."
            )
        export, path = self._upkeep.desk.exports.take(call.values["id"], call.by)
        kept = {"Cache-Control": "no-store"}
        return FileResponse(path, filename=export.filename, media_type=export.form.media_type, headers=kept)

    def resume(self, call: Call) -> Response:
        self._upkeep.desk.exports.resume(call.values["id"], call.by)
        return self.export(call)

    def remove_export(self, call: Call) -> Response:
        self._upkeep.desk.exports.remove(call.values["id"], call.by)
        return Response(status_code=204)

    def coverage(self, call: Call) -> Response:
        """Of the databases that this server watches; what they are is nothing for one organization."""
        if call.organization is not None:
            raise NotFoundError("This key is of one organization; tables hold every organization's rows.")
        found = [each for drift in self._upkeep.drifts for each in drift.tables()]
        return reply(CoverageOf([Coverage(each.table, each.state, each.reason) for each in found]))

    @property
    def _endpoints(self) -> Endpoints:
        return self._upkeep.desk.webhooks.endpoints


def _check_within(call: Call, scopes: Sequence[str]) -> None:
    """Raises UsageError."""
    beyond = set(scopes) - set(call.key.scopes.split(","))
    if beyond:
        raise UsageError(f"This key may not {', '.join(sorted(beyond))} itself, so it is given none that may.")


def _check_own(call: Call, organization: str | None) -> None:
    """Raises UsageError."""
    if call.organization not in (None, organization or call.organization):
        raise UsageError(f"This key is of the organization {call.organization!r}, and makes nothing for another.")


def _overlap(call: Call) -> timedelta:
    return timedelta(hours=call.values.get("overlap", 24))


def _at(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _key(key: Key, text: str | None = None) -> ApiKey:
    made = EPOCH + timedelta(microseconds=key.created_at)
    return ApiKey(key.id, key.name, key.scopes.split(","), key.organization, made, _at(key.used_at), text)


def _webhook(endpoint: Endpoint, secret: Secret | None = None) -> Webhook:
    return Webhook(
        endpoint.id, endpoint.url, endpoint.filter, endpoint.organization, endpoint.contact, endpoint.state,
        endpoint.reason, EPOCH + timedelta(microseconds=endpoint.created_at), secret.shared if secret else None,
        secret.public if secret else None,
    )  # fmt: skip


def _view(view: View) -> SavedView:
    return SavedView(view.id, view.name, view.query, view.since, view.until, bool(view.shared))


def _export(export: Export) -> ExportState:
    failure = export.told if export.state == "failed" else None
    return ExportState(
        export.id, export.state, export.format, export.query, export.entries, export.bytes, export.percent,
        EPOCH + timedelta(microseconds=export.asked_at), _at(export.until_at), failure,
    )  # fmt: skip
