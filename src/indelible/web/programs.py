"""What programs read: live events, what a webhook missed, checkpoints and tiles."""

import logging
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from indelible.errors import Error, MalformedError, NotFoundError, UsageError
from indelible.log import Log
from indelible.merkle.b64 import encode
from indelible.merkle.proof import consistency
from indelible.merkle.tile import Tile, subtree
from indelible.publish.tiles import read_tile
from indelible.search.match import matching
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web.frame import Frame
from indelible.web.live import Live
from indelible.web.state import State, number, understand

logger = logging.getLogger(__name__)


class Programs:
    """What is not there for a viewer is a page, as for people."""

    def __init__(self, frame: Frame, log: Log, upkeep: Upkeep) -> None:
        self._frame = frame
        self._log = log
        self._upkeep = upkeep

    def live(self, request: Request, viewer: Viewer) -> Response:
        """Entries as they come, from `Last-Event-ID` (or `?after=`) on; without it, from now on."""
        state = State.read(request.query_params)
        query, problems = understand(state, datetime.now(UTC))
        if query is None:
            return problem(400, "This search cannot be read", problems[0].message)
        last = number(request.headers.get("last-event-id", ""))
        last = state.after if last is None else last
        # What somebody saw may not be signed yet; of another log, it may be beyond this one.
        start = self._log.signed_size() if last is None else min(last + 1, self._log.head().size)
        match = matching(query, viewer.organization)
        live = Live(self._log, match, start, lambda: run_in_threadpool(self._still, request, viewer))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(live.events(), media_type="text/event-stream", headers=headers)

    def _still(self, request: Request, viewer: Viewer) -> bool:
        """Who was signed out, or lost a right, hears no more."""
        return self._frame.viewer(request) == viewer

    def feed(self, request: Request) -> Response:
        """For receivers of webhooks, who show that they have the secret: see `webhooks.feed`."""
        query = request.scope.get("query_string", b"").decode("latin-1")
        try:
            body = self._upkeep.desk.webhooks.feed(request.path_params["webhook"], query, request.headers)
        except (MalformedError, NotFoundError):
            return problem(401, "This request is not signed", "Sign the query with the webhook's secret.")
        except UsageError as error:
            return problem(400, "This query cannot be read", str(error))
        except Error as error:  # which may name files and others' entries: a receiver may be one organization's
            logger.error("A feed could not be read: %s", error)  # noqa: TRY400 - one sentence
            return problem(503, "The log cannot be used", "Whoever runs this service has to look at it.")
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    def checkpoint(self, request: Request, viewer: Viewer) -> Response:
        """The newest signed checkpoint, as it stands. It counts every organization's entries: not for one of them."""
        note = self._log.checkpoint()
        if viewer.organization is not None or note is None:
            return self._frame.missing(request, viewer)
        return PlainTextResponse(note, headers={"Cache-Control": "no-store"})

    def consistency(self, request: Request, viewer: Viewer) -> Response:
        """That the tree of `to` entries extends that of `from`: a hash a line (RFC 9162 2.1.4).

        Not for one organization: the hashes are of others' entries, too.
        """
        old, size = (number(request.query_params.get(name, "")) or 0 for name in ("from", "to"))
        if viewer.organization is not None or not 0 < old <= size <= self._log.signed_size():
            return self._frame.missing(request, viewer)
        hashes = (subtree(run, self._log.store.nodes) for run in consistency(old, size))
        told = "".join(f"{encode(hash_)}\n" for hash_ in hashes)
        return PlainTextResponse(told, headers={"Cache-Control": "no-store"})

    def tile(self, request: Request, viewer: Viewer) -> Response:
        """Hashes or entries, by C2SP tlog-tiles: for whoever may see every organization's."""
        try:
            tile = Tile.parse(f"tile/{request.path_params['path']}")
            data = read_tile(self._log, tile) if viewer.organization is None else None
        except (MalformedError, NotFoundError):
            data = None
        if data is None:
            return self._frame.missing(request, viewer)
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}  # private: who may see it was asked
        return Response(data, media_type="application/octet-stream", headers=kept)


def problem(status: int, title: str, detail: str) -> Response:
    """RFC 9457."""
    told = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(told, status, media_type="application/problem+json", headers={"Cache-Control": "no-store"})
