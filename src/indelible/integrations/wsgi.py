"""WSGI: each request says where it comes from, and who acts if the host can tell. Flask, Django, Pyramid, Bottle."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context as Variables
from contextvars import copy_context
from inspect import iscoroutinefunction
from typing import Any

from indelible.capture.context import set_actor
from indelible.errors import UsageError
from indelible.event import Actor
from indelible.integrations.request import FOUND, Door

__all__ = ["AuditMiddleware"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class AuditMiddleware:
    """Every write of a request carries its address, user agent and request id, while the answer is produced too.

    `actor(environ)` is asked once for each request; without an answer the writes are by `unknown`, until `set_actor` or
    `acting_as` inside says otherwise. What it raises ends the request.
    `trusted_proxies`: the networks whose `proxy_header` is believed, and `unix`. Raises UsageError for anything else.
    """

    def __init__(  # noqa: PLR0913 - by keyword
        self,
        app: App,
        *,
        actor: Callable[[Environ], Actor | None] | None = None,
        source: str | None = "web",
        trusted_proxies: Iterable[str] = (),
        proxy_header: str = "X-Forwarded-For",
        request_id_header: str = "X-Request-ID",
    ) -> None:
        if iscoroutinefunction(actor):
            raise UsageError("actor is an async function, and WSGI cannot await it. Give a plain one.")
        self._app = app
        self._actor = actor
        self._door = Door(source, trusted_proxies, proxy_header, request_id_header)
        self._header = request_id_header

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # Variables of its own for each request: whatever raises, and if close() is never called, the server's thread
        # has seen nothing of them.
        variables = copy_context()
        body = variables.run(self._begin, environ, start_response)
        return body if isinstance(body, list | tuple) else _Body(body, variables)  # a server may count a list

    def _begin(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        context = self._door.serving(environ.get("REMOTE_ADDR"), _headers(environ)).__enter__()
        environ[FOUND] = context
        actor = self._actor(environ) if self._actor else None
        if actor is not None:
            set_actor(actor)
        return self._app(environ, self._answering(start_response, context.request_id or ""))

    def _answering(self, start_response: StartResponse, request_id: str) -> StartResponse:
        """The answer names the request as the log does, whatever the application itself says."""

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            others = [pair for pair in headers if pair[0].lower() != self._header.lower()]
            return start_response(status, [*others, (self._header, request_id)], *exc_info)

        return start


class _Body:
    """The application's answer, each piece made inside its own request."""

    def __init__(self, body: Iterable[bytes], variables: Variables) -> None:
        self._variables = variables
        self._close = getattr(body, "close", None)
        self._pieces = variables.run(iter, body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._variables.run(next, self._pieces)

    def close(self) -> None:
        if self._close is not None:
            self._variables.run(self._close)


def _headers(environ: Environ) -> Callable[[str], str]:
    return lambda name: str(environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))
