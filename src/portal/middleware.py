"""What stands before every page: headers, what other sites send, who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection

from portal.context import actor_of
from portal.errors import ForbiddenError
from portal.pages.failure import failure
from portal.services import configuration, sign_in
from portal.web import COOKIE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from indelible import Actor
    from portal.access import Person
    from portal.database import Database

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: over plain http that makes browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_SAFE_SITES = {"same-origin", "none"}
_WITHOUT_PERSON = ("/static/", "/healthz")


class SecurityHeaders:
    """Set on every answer, the mounted audit pages' too, unless the answer says otherwise itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses what another site makes a signed-in browser send. The browser says where a request comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS or _same_origin(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refusal = ForbiddenError("This was sent by another site. Open the portal itself and do it there.")
        await failure(scope, refusal)(scope, receive, send)


def _same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _SAFE_SITES
    origin = headers.get("origin")  # absent too: not a browser
    try:
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False


def recognize(database: Database) -> Callable[[Scope], Awaitable[Actor | None]]:
    """Finds out who asks, for the request and for every write in it."""

    def identify(token: str) -> tuple[Person | None, str]:
        with database.reading() as db:
            person = sign_in.person_of(db, token) if token else None
            return person, person.support_email if person else configuration.platform(db).support_email

    async def actor(scope: Scope) -> Actor | None:
        if scope["type"] != "http" or scope["path"].startswith(_WITHOUT_PERSON):
            return None
        person, support_email = await run_in_threadpool(identify, HTTPConnection(scope).cookies.get(COOKIE, ""))
        scope.setdefault("state", {}).update(person=person, support_email=support_email)
        return actor_of(person) if person else None

    return actor
