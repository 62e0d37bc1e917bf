"""Each request says how it arrived and, at its first write, who is signed in. Below AuthenticationMiddleware."""

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from indelible.capture.context import acting_as
from indelible.event import Actor
from indelible.integrations.django.acting import asking
from indelible.integrations.django.arrival import Arrival, arrival
from indelible.integrations.django.conf import configured


class Middleware:
    """For sync and async servers. Raises UsageError for settings that cannot be read."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._next = get_response
        self._settings = configured()
        self._actor = self._settings.actor
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._async:
            return self._answer(request)
        came = self._arrived(request)
        with self._saying(came), asking(partial(self._who, request)):
            return self._named(self._next(request), came)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        came = self._arrived(request)
        with self._saying(came), asking(partial(self._who, request)):
            return self._named(await self._next(request), came)

    def _arrived(self, request: HttpRequest) -> Arrival:
        return arrival(request.META.get("REMOTE_ADDR") or None, lambda name: request.headers.get(name, ""), self._settings)

    def _saying(self, came: Arrival) -> Any:
        return acting_as(
            Actor.unknown(), source=self._settings.SOURCE, ip=came.ip, user_agent=came.user_agent, request_id=came.request_id
        )

    def _who(self, request: HttpRequest) -> Actor | None:
        """Runs where a write runs: in a thread, never on the event loop."""
        return self._actor(getattr(request, "user", None))

    def _named(self, response: HttpResponse, came: Arrival) -> HttpResponse:
        """The answer names the request as the log does."""
        response[self._settings.REQUEST_ID_HEADER] = came.request_id
        return response
