"""Content codings (RFC 9110, section 8.4): gzip and zstd, of what is sent and of what is answered."""

import sys
import zlib
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Receive, Scope, Send

from indelible.api.problems import ProblemError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP = 31  # zlib: a gzip header is expected (RFC 1952)
WINDOW = 23  # of zstd, log2 of the bytes its decoder holds: what asks for more is refused (RFC 9659, section 3)
LEVEL = 1  # of both: answers are sent once, so packing them must cost less than sending them
SMALL = 2000  # bytes: they fit in two packets as they are
LARGE = 128 * 2**10  # bytes: packed in a thread, so that no other request waits for it


def unpack(coding: str, body: bytes, most: int) -> bytes:
    """At most `most` + 1 bytes of it: a small one that swells fills no memory. Raises ProblemError."""
    if coding == "identity":
        return body
    if coding not in _UNPACKERS:
        said = f"{coding[:40]!r} is not understood. Send {' or '.join(_UNPACKERS)}, or leave it as it is."
        raise ProblemError(415, "Unknown Content-Encoding", said, headers={"Accept-Encoding": ", ".join(_UNPACKERS)})
    unpacker = _UNPACKERS[coding]()
    try:
        unpacked = unpacker.decompress(body, most + 1)
    except (zlib.error, zstd.ZstdError) as error:
        raise ProblemError(400, "The body cannot be unpacked", f"{error}.") from error
    if len(unpacked) <= most and (not unpacker.eof or unpacker.unused_data):
        raise ProblemError(400, "The body cannot be unpacked", "It is cut, or goes on behind its end.")
    return unpacked


_UNPACKERS: dict[str, Callable[[], "zlib._Decompress | zstd.ZstdDecompressor"]] = {
    "gzip": lambda: zlib.decompressobj(GZIP),
    "zstd": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW}),
}


class Packing:
    """Answers of `app` packed as the one who asks takes it: zstd before gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = _taken(Headers(scope=scope).get("accept-encoding", ""))
        responder: IdentityResponder
        if "zstd" in taken:
            responder = _ZstdResponder(self._app, SMALL)
        elif "gzip" in taken:
            responder = GZipResponder(self._app, SMALL, LEVEL, thread_minimum_size=LARGE)
        else:
            responder = IdentityResponder(self._app, SMALL)
        await responder(scope, receive, send)


def _taken(header: str) -> set[str]:
    """The codings of `Accept-Encoding` (RFC 9110, section 12.5.3) that are not refused by a weight of zero."""
    parts = (part.replace(" ", "").lower().partition(";q=") for part in header.split(","))
    return {name for name, _, weight in parts if weight == "" or weight.strip("0.")}


class _ZstdResponder(IdentityResponder):
    content_encoding = "zstd"

    def __init__(self, app: ASGIApp, minimum_size: int) -> None:
        super().__init__(app, minimum_size)
        self._packer = zstd.ZstdCompressor(LEVEL)

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        packer = self._packer
        pack = partial(packer.compress, body, packer.FLUSH_BLOCK if more_body else packer.FLUSH_FRAME)
        return pack() if len(body) < LARGE else await run_in_threadpool(pack)
