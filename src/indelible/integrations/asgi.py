"""ASGI: each request says where it comes from, and who acts if the host can tell. Starlette, FastAPI, Django, Quart."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from inspect import isawaitable
from typing import Any

from indelible.capture.context import set_actor
from indelible.event import Actor
from indelible.integrations.request import FOUND, Door

__all__ = ["AuditMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Find = Callable[[Scope], Actor | Awaitable[Actor | None] | None]

_SERVED = ("http", "websocket")
_ANSWERS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class AuditMiddleware:
    """Every write of a request carries its address, user agent and request id, in threads and background tasks too.

    `actor(scope)`, sync (on the event loop) or async, is asked once for each request; without an answer the writes
    are by `unknown`, until `set_actor` or `acting_as` inside says otherwise. What it raises ends the request.
    `trusted_proxies`: the networks whose `proxy_header` is believed, and `unix`. Raises UsageError for anything else.
    """

    def __init__(  # noqa: PLR0913 - by keyword
        self,
        app: App,
        *,
        actor: Find | None = None,
        source: str | None = "web",
        trusted_proxies: Iterable[str] = (),
        proxy_header: str = "X-Forwarded-For",
        request_id_header: str = "X-Request-ID",
    ) -> None:
        self._app = app
        self._actor = actor
        self._door = Door(source, trusted_proxies, proxy_header, request_id_header)
        self._header = request_id_header.lower().encode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _SERVED:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        with self._door.serving(client[0] if client else None, _headers(scope)) as context:
            scope[FOUND] = context
            actor = await self._find(scope)
            if actor is not None:
                set_actor(actor)
            await self._app(scope, receive, self._answering(send, context.request_id or ""))

    async def _find(self, scope: Scope) -> Actor | None:
        found = self._actor(scope) if self._actor else None
        return await found if isawaitable(found) else found

    def _answering(self, send: Send, request_id: str) -> Send:
        """The answer names the request as the log does, whatever the application itself says."""
        ours = (self._header, request_id.encode("latin-1"))

        async def answer(message: Message) -> None:
            if message["type"] in _ANSWERS:
                others = [pair for pair in message.get("headers") or () if pair[0].lower() != self._header]
                message = {**message, "headers": [*others, ours]}
            await send(message)

        return answer


def _headers(scope: Scope) -> Callable[[str], str]:
    def header(name: str) -> str:
        wanted = name.lower().encode("latin-1")
        return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted)

    return header
