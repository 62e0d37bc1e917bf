"""What went wrong, as programs read it: RFC 9457, with every error in the body."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indelible.errors import (
    AddressError,
    ConflictError,
    Error,
    EventError,
    NotFoundError,
    QueryError,
    SlowSearchError,
    UsageError,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Fault(NamedTuple):
    """One error of several. `pointer`: where in the body (RFC 6901), or `parameter`: which one of the address."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemError(Exception):
    """Ends a request with this answer."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def answer(self) -> Response:
        told = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        errors = [{k: v for k, v in fault._asdict().items() if v is not None} for fault in self.errors]
        return problem(told | ({"errors": errors} if errors else {}), self.headers)


def problem(told: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    """`told` has at least type, title, status and detail (RFC 9457, 3.1)."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(told, int(str(told["status"])), media_type=MEDIA_TYPE, headers=kept)


class Problems:
    """What Starlette refuses by itself, in plain text, is a problem like all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: list[Message] = []

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                refused.append(message)
            elif refused:
                await _refusal(refused[0], message["body"].decode())(scope, receive, send)
            else:
                await send(message)

        await self._app(scope, receive, told)


def _is_plain_refusal(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return bool(start["status"] >= HTTPStatus.BAD_REQUEST and kind.startswith("text/plain"))


def _refusal(start: Message, said: str) -> Response:
    status = HTTPStatus(start["status"])
    told = {"type": "about:blank", "title": status.phrase, "status": status, "detail": said or status.description}
    headers = Headers(raw=start["headers"])
    return problem(told, {name: headers[name] for name in ("allow", "content-range") if name in headers})


def problem_of(error: Error) -> ProblemError:
    """What the rooms below raise, each with the status that says whose turn it is."""
    match error:
        case NotFoundError():
            return ProblemError(404, "Not found", str(error))
        case QueryError():
            fault = Fault(str(error.args[0]), parameter="q")
            return ProblemError(400, "The query cannot be read", str(error), [fault])
        case EventError():
            return ProblemError(422, "The event cannot be recorded", str(error))
        case SlowSearchError():
            return ProblemError(422, "The search takes too long", str(error))
        case AddressError() | UsageError():
            return ProblemError(422, "This cannot be done", str(error))
        case ConflictError():
            return ProblemError(503, "The log is busy", str(error), headers={"Retry-After": "1"})
    logger.error("A request could not be answered: %s", error)
    said = "The log cannot be used now. Whoever runs this service has to look at it."
    return ProblemError(503, "The log cannot be used", said, headers={"Retry-After": "5"})
