"""The log within Django's admin: to look at, and nothing else. What it shows is decided here, not in HTML."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.template.loader import get_template
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from indelible.alarm import DETECTED
from indelible.errors import Error, NotFoundError
from indelible.event import read
from indelible.integrations.django.auditing import audit
from indelible.integrations.django.entities import history_query, object_url
from indelible.integrations.django.models import Entry
from indelible.search.hits import Hits
from indelible.search.page import find
from indelible.search.query import parse
from indelible.web.state import State, number, understand
from indelible.web.view import Row, row

PAGE_SIZE = 50
RANGES = {
    "Any time": "", "Today": "today", "Past 24 hours": "24h", "Past 7 days": "7d", "Past 30 days": "30d",
    "Past 90 days": "90d",
}  # fmt: skip
FIELDS = ("q", "since", "until")


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """A list and a page for each entry. There is no permission to add, change or delete, for anybody."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="indelible_entry_changelist"),
            path("<str:object_id>/", view(self.change_view), name="indelible_entry_change"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What the address asks for, newest first."""
        self._only_viewers(request)
        state, notice = State.read(request.GET), _freshen()
        query, problems = understand(state, datetime.now(UTC))
        values: dict[str, Any] = {"state": state, "notice": notice, "title": "Audit log", "links": _ranges(state)}
        values["problems"] = {problem.field: problem for problem in problems}
        try:
            log = audit().log
            values |= {"size": log.head().size, "signed": log.signed_size()}
            if query is not None:
                page = find(log, query, before=state.before, after=state.after, limit=PAGE_SIZE)
                values |= {"page": page, "rows": [row(entry) for entry in page.entries], "turns": _turns(state, page)}
        except Error as error:
            values["notice"] = str(error)
        return self._show(request, "indelible/list.html", values | (extra_context or {}), 400 if problems else 200)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's own signature
        extra_context: dict[str, Any] | None = None,
    ) -> TemplateResponse:
        """One entry: old and new values, what is known beside them, and the line that is verified."""
        self._only_viewers(request)
        seq = number(object_id)
        try:
            line = audit().log.line(-1 if seq is None else seq)
        except NotFoundError as error:
            raise Http404(str(error)) from error
        entry = read(line)
        values = {
            "row": row(entry),
            "line": line.decode(),
            "title": entry.action,
            "history": history_query(entry.entity.type, entry.entity.id),
            "object_url": object_url(self.admin_site, request, entry.entity),
        }
        return self._show(request, "indelible/entry.html", values | (extra_context or {}), 200)

    def _only_viewers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _show(self, request: HttpRequest, template: str, values: dict[str, Any], status: int) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "crumbs_listed": _listed(),
            "alarm": _alarm(),
            **values,
        }
        answer = TemplateResponse(request, template, context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer


def _freshen() -> str:
    """Every committed change is on the page; if that fails the page says so and shows what is there."""
    try:
        audit().seal()
    except Error as error:
        return str(error)
    return ""


def _alarm() -> Row | None:
    """What verifying found wrong, if it has not found it right since: whoever verifies puts both on record."""
    try:
        log = audit().log
        hits = Hits(log, parse("action:AUDIT_TAMPERING_*", datetime.now(UTC)), None)
        newest = next(map(log.entry, hits.falling(range(hits.size))), None)
    except Error:
        return None  # the page says why
    return row(newest) if newest is not None and newest.action == DETECTED else None


def _ranges(state: State) -> list[tuple[str, str, bool]]:
    """Label, address, whether it is the one shown."""
    return [
        (label, state.search(since=since, until=""), state.since == since and not state.until)
        for label, since in RANGES.items()
    ]


def _turns(state: State, page: Any) -> Sequence[tuple[str, str]]:
    """The ways to other pages."""
    newer = [("Newest", state.search()), ("Newer", state.link(before=None, after=page.newer))]
    older = [("Older", state.link(after=None, before=page.older))]
    return (newer if page.newer is not None else []) + (older if page.older is not None else [])


def _listed() -> bool:
    """Since Django 6 the way back is a list; whoever replaced the admin's frame may have kept the older form."""
    return '<ol class="breadcrumbs"' in str(get_template("admin/base.html").template.source)
