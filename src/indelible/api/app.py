"""The operations as routes: let in, read, run in a worker thread, answered."""

from collections.abc import Sequence
from contextlib import ExitStack

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from indelible.api.admission import Admission
from indelible.api.coding import Packing, unpack
from indelible.api.events import Events
from indelible.api.managing import Managing, ManagingKeys
from indelible.api.openapi import document
from indelible.api.operation import Call, Operation, reply
from indelible.api.problems import Fault, ProblemError, Problems, problem_of
from indelible.api.reading import Reading
from indelible.errors import Error
from indelible.log import Log
from indelible.routes import over_lines
from indelible.upkeep import Upkeep

MAX_BODY = 16 * 2**20  # bytes, as they are sent and as they are when they are unpacked


def create_api(log: Log, upkeep: Upkeep) -> Starlette:
    """The API of `log`, to mount at `/api/v1`. Raises LogError where its keys cannot be read."""
    keys = upkeep.desk.keys
    operations = [
        *Events(log).operations(), *Reading(log).operations(), *ManagingKeys(keys).operations(),
        *Managing(upkeep).operations(),
    ]  # fmt: skip
    door = _Door(Admission(log, keys))
    told = document(operations)
    routes: list[BaseRoute] = [
        *(over_lines(Route(path, _Methods(door, some))) for path, some in _by_path(operations).items()),
        Route("/openapi.json", lambda _: reply(told, headers={"Cache-Control": "public, max-age=300"})),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={404: missing, Exception: _unexpected},
        middleware=[Middleware(Packing), Middleware(Problems)],
    )


class _Door:
    """Every request goes through it, and every answer."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def answer(self, request: Request, operation: Operation, send: Send) -> None:
        """Whoever is not let in sends no body. A request is under way until all of its answer has left."""
        headers: dict[str, str] = {}
        with ExitStack() as running:
            try:
                key, given = await run_in_threadpool(self._admission.admit, request, operation)
                headers |= given
                values = operation.values(request)
                body = await _body(request) if operation.body is not None else b""
                running.enter_context(self._admission.running(key))
                response = await run_in_threadpool(_run, operation, Call(request, key, values), body)
            except ProblemError as error:
                response = error.answer()
            except Error as error:
                response = problem_of(error).answer()
            response.headers.update(headers)
            await response(request.scope, request.receive, send)


def _run(operation: Operation, call: Call, body: bytes) -> Response:
    return operation.run(Call(call.request, call.key, call.values, operation.decoded(body)))


class _Methods:
    """All operations of one path. An ASGI application, so that it is asked for every method."""

    def __init__(self, door: _Door, operations: Sequence[Operation]) -> None:
        self._door = door
        self._operations = {operation.method: operation for operation in operations}
        if (asked := self._operations.get("GET")) and asked.scope != "export":
            self._operations["HEAD"] = asked  # what is taken away is on record; asking for its head takes nothing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        operation = self._operations.get(request.method)
        if operation is not None:
            await self._door.answer(request, operation, send)
            return
        allowed = ", ".join(sorted(self._operations))
        said = f"This address takes {allowed}."
        await ProblemError(405, "Method not allowed", said, headers={"Allow": allowed}).answer()(scope, receive, send)


def _by_path(operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        # An entity's id may have slashes in it, and line breaks.
        path = operation.path.replace("/{type}/{id}", "/{type}/{id:path}")
        paths.setdefault(path, []).append(operation)
    return paths


async def _body(request: Request) -> bytes:
    """Raises ProblemError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, "JSON is expected", f"Content-Type is {kind[:80]!r}. Send application/json.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            _check_size(body)
    except ClientDisconnect as error:
        raise ProblemError(400, "The body is cut", "The connection ended before it was there.") from error
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    unpacked = await run_in_threadpool(unpack, coding, bytes(body), MAX_BODY)
    _check_size(unpacked)
    return unpacked


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > MAX_BODY:
        raise ProblemError(413, "Too large", f"A body has up to {MAX_BODY} bytes. Send fewer events at a time.")


def _unexpected(_request: Request, _: Exception) -> Response:
    """Starlette logs it."""
    return ProblemError(500, "That should not have happened", "The server's own log has more.").answer()


def missing(request: Request, _: Exception) -> Response:
    """For a host whose own answer to a wrong address is no problem of RFC 9457."""
    said = f"There is no {request.url.path[:200]}. /api/v1/openapi.json lists what there is."
    return ProblemError(404, "Not found", said, [Fault(said)]).answer()
