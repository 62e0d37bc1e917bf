"""What is sent and answered, as JSON has it. The OpenAPI document is made of these."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from indelible.export.csv import COLUMNS
from indelible.keys.keys import Scope
from indelible.search.query import MAX_QUERY
from indelible.sent import Key

Name = Annotated[str, Meta(min_length=1, max_length=80)]
QueryText = Annotated[str, Meta(max_length=MAX_QUERY, examples=["action:LICENSE_* -user:system"])]
MomentText = Annotated[str, Meta(max_length=64, examples=["7d"])]
FormatName = Literal["csv", "csv-raw", "json", "jsonl", "cloudevents", "ocsf"]
Url = Annotated[str, Meta(pattern="^https?://", max_length=2000, examples=["https://hooks.example.com/audit"])]
Email = Annotated[str, Meta(pattern="^[^@ ]+@[^@ ]+$", max_length=254)]
Column = Annotated[str, Meta(pattern=f"^({'|'.join(COLUMNS)})$")]


class PlacedEvent(Struct, omit_defaults=True):
    """Where an event stands. `proof`: a tlog-proof (c2sp.org/tlog-proof), its entry in it."""

    seq: int
    id: UUID
    new: bool
    proof: str | None = None


class PlacedEvents(Struct):
    """In the order in which they were sent."""

    events: list[PlacedEvent]


class Found(Struct):
    """Entries, newest first, each the line of the log. `next` and `previous` are what `cursor` takes."""

    entries: list[msgspec.Raw]
    count: int
    exact: bool  # false: there are more than `count`
    next: str | None
    previous: str | None


class Told(Struct):
    """One thing at a moment, as far as the log knows."""

    type: str
    id: str
    name: str | None
    there: bool
    fields: dict[str, Any]
    entries: list[msgspec.Raw]  # oldest first
    more: bool  # there are entries after these


class Coverage(Struct):
    """A table of the application's database."""

    table: str
    state: str
    reason: str | None


class CoverageOf(Struct):
    """Of all tables."""

    tables: list[Coverage]


class SentKey(Struct, forbid_unknown_fields=True):
    """An API key that is to be made."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    organization: Key | None = None


class ApiKey(Struct, omit_defaults=True):
    """`key` is there once: in the answer that makes it or rotates it."""

    id: str
    name: str
    scopes: list[str]
    organization: str | None
    created_at: datetime
    used_at: datetime | None
    key: str | None = None


class ApiKeys(Struct):
    """In the order in which they were made."""

    keys: list[ApiKey]


class SentWebhook(Struct, forbid_unknown_fields=True):
    """A webhook that is to be added."""

    url: Url
    filter: QueryText = ""
    organization: Key | None = None
    contact: Email | None = None


class ChangedWebhook(Struct, forbid_unknown_fields=True):
    """What a webhook is changed to."""

    url: Url
    filter: QueryText = ""
    contact: Email | None = None


class Webhook(Struct, omit_defaults=True):
    """`secret` is there once: in the answer that adds it or rotates it."""

    id: str
    url: str
    filter: str
    organization: str | None
    contact: str | None
    state: str
    reason: str | None
    created_at: datetime
    secret: str | None = None
    public_key: str | None = None


class WebhookList(Struct):
    """In the order in which they were added."""

    webhooks: list[Webhook]


class Tried(Struct):
    """What came of a test."""

    delivered: bool
    status: int | None
    failure: str | None


class SentView(Struct, forbid_unknown_fields=True):
    """A search that is to be kept."""

    name: Name
    query: QueryText = ""
    since: MomentText = ""
    until: MomentText = ""
    shared: bool = False


class SavedView(Struct):
    """A search that was kept."""

    id: str
    name: str
    query: str
    since: str
    until: str
    shared: bool


class SavedViews(Struct):
    """By name."""

    views: list[SavedView]


class SentExport(Struct, forbid_unknown_fields=True):
    """An export that is to be made in the background."""

    format: FormatName
    columns: list[Column] = []  # of CSV
    query: QueryText = ""
    since: MomentText = ""
    until: MomentText = ""


class ExportState(Struct):
    """How far it is. Its file is there while it is `done`, until `until`."""

    id: str
    state: str
    format: str
    query: str
    entries: int
    bytes: int
    percent: int  # of the log that was looked through
    asked_at: datetime
    until: datetime | None
    failure: str | None


class ExportList(Struct):
    """Newest first."""

    exports: list[ExportState]


class Problem(Struct, omit_defaults=True):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list["ProblemError"] = []


class ProblemError(Struct, omit_defaults=True):
    """One of several: where in the body, or which parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
