"""One connection to a receiver: a request at a time, and of its answer no more than is wanted (RFC 9112).

`httptools` reads what comes, strictly; nothing that comes is trusted to end, or to be small.
"""

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools

READ = 65_536  # bytes of an answer that are read, its head among them; whoever sends more is cut off
KEPT = 2_048  # bytes of its body that are kept
SWITCHING = 101


class ConnectionLostError(Exception):
    """It ended before the answer did. `silent`: not a byte had come."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


@dataclass(frozen=True)
class Reply:
    """`retry_after` as it was sent."""

    status: int
    retry_after: str | None
    body: bytes  # the beginning of it


class Connection(asyncio.Protocol):
    """A protocol of asyncio's, and what its parser calls."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[Reply] | None = None
        self._retry_after: str | None = None
        self.reused = self.closed = False
        self.idle_since = 0.0

    async def ask(self, request: bytes) -> Reply:
        """Raises ConnectionLostError; cancelled, as by a deadline, the connection is of no more use."""
        self._begin()
        self._parser = httptools.HttpResponseParser(self)
        self._reply = asyncio.get_running_loop().create_future()
        if self._transport is None or self.closed:
            raise ConnectionLostError("the connection was closed", silent=True)
        self._transport.write(request)
        try:
            return await self._reply
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._reply = None

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._reply is None or self._reply.done():
            self.close()  # nobody asked for anything
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._done(keep=False)
        except httptools.HttpParserError as error:
            self._fail(f"what was answered is not HTTP: {error}")
        if self._size >= READ and not self._over:
            if self._headed:
                self._done(keep=False)
            else:
                self._fail(f"the head of the answer has more than {READ} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._reply is None or self._reply.done():
            return
        if self._headed and not self._framed:
            self._done(keep=False)  # RFC 9112 6.3: what says nothing of its length ends with the connection
        else:
            self._fail(f"the connection was lost{f': {exc}' if exc else ''}")

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._over:
            self.close()  # a second answer, to nothing: what comes after it would be taken for the next one

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key in (b"content-length", b"transfer-encoding"):
            self._framed = True
        elif key == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._headed = True
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if len(self._body) < KEPT:
            self._body += body[: KEPT - len(self._body)]

    def on_message_complete(self) -> None:
        if 100 <= self._status < 200 and self._status != SWITCHING:  # noqa: PLR2004 - RFC 9110 15.2: one more will come
            self._begin()
        else:
            self._done(keep=self._parser.should_keep_alive())

    def _begin(self) -> None:
        self._status, self._size, self._body = 0, 0, b""
        self._headed = self._framed = self._over = False
        self._retry_after = None

    def _done(self, *, keep: bool) -> None:
        self._over = True
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(Reply(self._status, self._retry_after, self._body))
        if not keep:
            self.close()

    def _fail(self, message: str) -> None:
        self._over = True
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionLostError(message, silent=self._size == 0))
        self.close()
