"""Who looks at the log, and the page they are given: what a host and the audit pages tell each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indelible.capture.context import arrived
from indelible.event import Actor, Context, clip

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A person whom the host has recognised. `organization` limits what they see; None: every organization.

    `manages`: they may say who else hears of it, by webhooks and digests.
    """

    actor: Actor
    organization: str | None = None
    manages: bool = False


def owner_of(actor: Actor) -> str | None:
    """By what a person is known the next time; None: by nothing."""
    known = actor.id or actor.email
    return f"{actor.type}:{known}" if known else None


def context_of(request: "Request", source: str) -> Context:
    """As the host's own entries have it, if its middleware said; else what the connection tells."""
    known = arrived()
    return Context(
        source=source,
        ip=known.ip or (request.client.host if request.client else None),
        user_agent=known.user_agent or clip(request.headers.get("user-agent"), 512),
        request_id=known.request_id,
    )


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page for the host's own shell. `head` and `body` are HTML, already escaped."""

    title: str
    head: str
    body: str


ViewerCheck = Callable[["Request"], "Viewer | Response"]  # the host's one function: who is this, or where to send them
Shell = Callable[["Request", Page], str]  # the host's page around ours
