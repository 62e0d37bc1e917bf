"""Each request says how it arrived and, at its first write, who is signed in. Below AuthenticationMiddleware."""

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from indelible.capture.context import Saying
from indelible.event import Actor
from indelible.integrations.django.acting import asking
from indelible.integrations.django.conf import configured
from indelible.integrations.django.users import gone


class Middleware:
    """For sync and async servers. Raises UsageError for settings that cannot be read."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        settings = configured()
        self._next = get_response
        self._door, self._actor, self._header = settings.door, settings.actor, settings.REQUEST_ID_HEADER
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._async:
            return self._answer(request)
        with self._arrived(request) as came, asking(partial(self._who, request)):
            return self._named(self._next(request), came.request_id or "")

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        with self._arrived(request) as came, asking(partial(self._who, request)):
            return self._named(await self._next(request), came.request_id or "")

    def _arrived(self, request: HttpRequest) -> Saying:
        return self._door.serving(request.META.get("REMOTE_ADDR"), lambda name: request.headers.get(name, ""))

    def _who(self, request: HttpRequest) -> Actor | None:
        """Runs where a write runs: in a thread, never on the event loop. Who deletes their own account still acts."""
        user = getattr(request, "user", None)
        known: tuple[Any, Actor | None] = getattr(request, "indelible_actor", (None, None))
        if known[0] is user and known[1] is not None and gone(user):
            return known[1]
        actor: Actor | None = self._actor(user)
        request.indelible_actor = user, actor
        return actor

    def _named(self, response: HttpResponse, request_id: str) -> HttpResponse:
        """The answer names the request as the log does."""
        response[self._header] = request_id
        return response
