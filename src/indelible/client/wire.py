"""One request and its answer. The standard library's client is enough for it: one connection, kept."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from indelible.errors import Error, UsageError
from indelible.retry import retry_after

USER_AGENT = "indelible-client/1"
REMEDY = "Is it the API's address, with /api/v1 at its end?"
MOST = 3600.0  # seconds that a server may ask for

T = TypeVar("T")


class ApiError(Error):
    """No success. `status` 0: there was no answer. `again`: seconds, where it is worth another try."""

    def __init__(self, status: int, detail: str, problem: Mapping[str, Any], again: float | None) -> None:
        super().__init__(f"{status or 'no answer'}: {detail}")
        self.status = status
        self.problem = problem
        self.again = again

    @property
    def final(self) -> bool:
        """The API itself says that this is no event: it will say so again. Of what others answer nothing is final."""
        return self.status in (400, 409, 413, 422) and self.problem.get("status") == self.status


@dataclass(frozen=True)
class Address:
    """Where the API is."""

    host: str
    port: int | None
    path: str
    secure: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raises UsageError: a key is not sent in the clear but to this machine."""
        parts = urlsplit(url)
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme not in ("http", "https") or not parts.hostname or (parts.scheme == "http" and not here):
            said = f"{url[:200]!r} is no address of an API: a key is not sent in the clear but to this machine."
            raise UsageError(f"{said} Give https://audit.example.com/api/v1")
        return cls(parts.hostname, parts.port, parts.path.rstrip("/"), parts.scheme == "https")


class Wire:
    """Requests one at a time. A connection that broke is made anew with the next one."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._address = Address.parse(url)
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": USER_AGENT, "Accept": "application/json"}
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    def ask(self, method: str, path: str, shape: type[T], body: bytes | None = None) -> T:
        """What JSON says, of this shape: anything else comes from somebody else. Raises ApiError."""
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        with self._lock:
            try:
                connection = self._connected()
                connection.request(method, self._address.path + path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                raise ApiError(0, f"{type(error).__name__}: {error}", {}, 0.0) from error
        if answer.status >= 300:  # noqa: PLR2004 - RFC 9110, 15.3
            raise _refused(answer, data)
        try:
            return msgspec.json.decode(data, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(answer.status, f"this is not what the API answers: {error}. {REMEDY}", {}, 0.0) from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and self._connection.sock is not None and _ended(self._connection.sock):
            self._drop()  # servers close what is idle, and a request that went into it may or may not have been heard
        if self._connection is None:
            address = self._address
            if address.secure:
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(
                    address.host, address.port, timeout=self._timeout, context=context
                )
            else:
                self._connection = http.client.HTTPConnection(address.host, address.port, timeout=self._timeout)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _ended(idle: socket.socket) -> bool:
    """Where nothing was asked there is nothing to read, but an end."""
    with DefaultSelector() as selector:
        selector.register(idle, EVENT_READ)
        return bool(selector.select(0))


def _refused(answer: http.client.HTTPResponse, data: bytes) -> ApiError:
    problem: dict[str, Any] = {}
    if answer.headers.get_content_type() == "application/problem+json":  # RFC 9457
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            problem = msgspec.json.decode(data, type=dict[str, Any])
    worth = answer.status == 429 or answer.status >= 500  # noqa: PLR2004 - RFC 6585, 4; RFC 9110, 15.6
    after = retry_after(answer.headers.get("Retry-After"), time.time()) or 0.0
    again = min(after, MOST) if worth else None
    reason = answer.reason if problem else f"{answer.reason}. {REMEDY}"
    return ApiError(answer.status, str(problem.get("detail", reason)), problem, again)
