"""One POST to a receiver, with nothing of it trusted: not its address, its speed, its size, nor where it points to.

No redirect is followed, no proxy of the environment asked, no cookie kept and nothing unpacked: none of that is here.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Self

from indelible.errors import AddressError
from indelible.retry import retry_after
from indelible.webhooks.connection import Connection, ConnectionLostError, Reply
from indelible.webhooks.guard import Guard, Network, Resolve, system_resolve
from indelible.webhooks.outcome import Answer, failure_of
from indelible.webhooks.target import Target, target_of

SECONDS = 15.0  # for all of it: resolving, connecting, sending, and what is answered
TRY = 5.0  # seconds for one address of several
IDLE = 30.0  # seconds that a connection is kept for the next request


class Client:
    """`async with Client(...)`. Connections are kept and used again, each to an address that was checked."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        # https to all of the internet; in the clear only to what was named.
        self._guards = {"https": Guard(allowed), "http": Guard(allowed, public=False)}
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of it; never raises for what the far side does."""
        started = time.perf_counter()
        try:
            target = target_of(url)
            lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
            head = b"%s%sContent-Length: %d\r\n\r\n" % (target.head, lines.encode("ascii"), len(body))
            async with asyncio.timeout(self._seconds):
                reply = await self._ask(target, head + body)
            again = None if reply.retry_after is None else retry_after(reply.retry_after, time.time())
            return Answer(reply.status, failure_of(reply.status), again, reply.body, time.perf_counter() - started)
        except TimeoutError:
            failure = f"no whole answer within {self._seconds:.0f} s"
        except (AddressError, ConnectionLostError) as error:
            failure = str(error)
        except ssl.SSLCertVerificationError as error:
            failure = f"its certificate cannot be trusted: {error.verify_message}"
        except OSError as error:
            failure = error.strerror or str(error) or type(error).__name__
        return Answer(None, failure[:300], took=time.perf_counter() - started)

    async def _ask(self, target: Target, request: bytes) -> Reply:
        """A connection that was kept may have been closed meanwhile: before a byte has come, another one is tried."""
        key = (target.scheme, target.host, target.port)
        connection = self._kept(key) or await self._connect(target)
        try:
            reply = await connection.ask(request)
        except ConnectionLostError as error:
            if not (connection.reused and error.silent):
                raise
            connection = await self._connect(target)
            reply = await connection.ask(request)
        if not connection.closed:
            connection.reused, connection.idle_since = True, time.monotonic()
            self._idle.setdefault(key, []).append(connection)
        return reply

    def _kept(self, key: tuple[str, str, int]) -> Connection | None:
        """The one that was used last: the others may grow old."""
        idle, oldest = self._idle.get(key), time.monotonic() - IDLE
        while idle:
            connection = idle.pop()
            if not connection.closed and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, target: Target) -> Connection:
        """To an address that the guard has passed, which is what is connected to: no name is looked up after it."""
        guard, failure = self._guards[target.scheme], OSError("the name cannot be resolved")
        for address in await self._addresses(guard, target):
            try:
                async with asyncio.timeout(TRY):
                    return await self._connect_to(guard.check(address), target)
            except (OSError, TimeoutError) as error:
                failure = error if str(error) else OSError(f"{address} does not answer")
        raise failure

    async def _addresses(self, guard: Guard, target: Target) -> Sequence[str]:
        if target.is_address:
            return [guard.check(target.host)]
        try:
            return await guard.resolve(target.host, target.port, self._resolve)
        except OSError as error:
            raise OSError("the name cannot be resolved") from error

    async def _connect_to(self, address: str, target: Target) -> Connection:
        tls = self._tls if target.scheme == "https" else None
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, address, target.port, ssl=tls, server_hostname=target.host if tls else None
        )
        return connection
