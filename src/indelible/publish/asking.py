"""One POST, whose answer is there by a deadline or not at all: how long it takes is not for the far side to say."""

import http.client
import socket
import urllib.request
from contextlib import suppress
from functools import partial
from threading import Timer
from typing import Any, Self

from indelible.errors import LogError
from indelible.legible import printable

MAX_ANSWER = 100_000  # bytes; what comes after them is not read


def post(url: str, body: bytes, seconds: float) -> tuple[int, str]:
    """Status and answer, whatever they are: no redirect is followed. Raises LogError if there is none."""
    request = urllib.request.Request(url, body, {"Content-Type": "text/plain"})  # noqa: S310 - checked by who asks
    try:
        with _Deadline(seconds) as deadline:
            opener = urllib.request.build_opener(_Handler(deadline), _AnyAnswer)
            with opener.open(request, timeout=seconds) as answer:
                said = answer.read(MAX_ANSWER).decode("utf-8", "replace")
            if deadline.passed:
                raise TimeoutError(f"no whole answer came within {seconds:.0f} s")
            return answer.status, said
    except (OSError, http.client.HTTPException) as error:
        said = printable(f"{error}"[:200])  # a part of it may be the far side's
        raise LogError(f"{url} cannot be reached: {said}. It is asked again later.") from error


class _Deadline:
    """Ends what was connected. A socket's own timeout is no deadline: it begins anew with each byte."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connected: list[socket.socket] = []
        self._timer = Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for each in self._connected:
            each.close()

    def watch(self, connected: socket.socket) -> None:
        """By a second handle, which stays what it is when TLS is laid over the first."""
        self._connected.append(connected.dup())
        if self.passed:
            self._pass()

    def _pass(self) -> None:
        self.passed = True
        for each in self._connected:
            with suppress(OSError):  # it ended by itself
                each.shutdown(socket.SHUT_RDWR)


class _Connection(http.client.HTTPConnection):
    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)


class _SecureConnection(http.client.HTTPSConnection, _Connection):
    """TLS begins after `_Connection.connect`: a handshake has to come by the deadline, too."""


class _Handler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._connection, _Connection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._connection, _SecureConnection), req)

    def _connection(self, kind: type[_Connection], *arguments: Any, **options: Any) -> _Connection:
        made = kind(*arguments, **options)
        made.deadline = self._deadline
        return made


class _AnyAnswer(urllib.request.HTTPErrorProcessor):
    """Who sends elsewhere, or refuses, has answered."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002 - so it is called
        return response

    https_response = http_response
