"""One POST to a receiver, with nothing of it trusted: not its address, its speed, its size, nor where it points to."""

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from indelible.errors import AddressError
from indelible.webhooks.guard import Guard, Network, Resolve, system_resolve
from indelible.webhooks.outcome import Answer, failure_of, retry_after

SECONDS = 15.0  # for all of it: connecting, sending, and what is answered
READ = 65_536  # bytes of an answer that are read; whoever sends more is cut off
KEPT = 2_048  # bytes of it that are kept


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
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        # https to all of the internet; in the clear only to what was named.
        self._guards = {"https": Guard(allowed), "http": Guard(allowed, public=False)}
        self._resolve = resolve
        self._tls = tls
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        self._sessions = {scheme: self._session(guard) for scheme, guard in self._guards.items()}
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of it; never raises for what the far side does."""
        started, failure = time.perf_counter(), ""
        try:
            target = URL(url)
            session = self._sessions[target.scheme]
            # A redirect could lead anywhere; a proxy of the environment would resolve the name by itself.
            async with session.post(
                target, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                read = await _read(response)
                again = retry_after(response.headers.get("retry-after"), time.time())
                took = time.perf_counter() - started
                return Answer(response.status, failure_of(response.status), again, read, took)
        except TimeoutError:
            failure = f"no whole answer within {self._timeout.total:.0f} s"
        except AddressError as error:
            failure = str(error)
        except aiohttp.ClientConnectorDNSError as error:
            failure = _cause(error) or "the name cannot be resolved"
        except (aiohttp.ClientError, OSError, ValueError, KeyError) as error:
            failure = _cause(error) or f"{type(error).__name__}: {error}"[:300]
        return Answer(None, failure, took=time.perf_counter() - started)

    def _session(self, guard: Guard) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(guard, self._resolve),
            use_dns_cache=False,  # what a name means is asked at each connection
            socket_factory=lambda info: _socket(guard, info),
            limit=0,  # each lane has its own
            ssl=self._tls or True,
            ttl_dns_cache=None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,  # what unpacks to gigabytes stays packed
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "indelible-webhooks/1"},
            skip_auto_headers=("Accept-Encoding",),
        )


class _Resolver(AbstractResolver):
    """Gives the connector only what the guard has passed."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in await self._guard.resolve(host, port, self._resolve)
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held."""


def _socket(guard: Guard, info: tuple[Any, ...]) -> socket.socket:
    """The last moment before a connection, whatever led to it: an address in the URL is never asked of a resolver."""
    family, kind, protocol, _, address = info
    guard.check(str(address[0]))
    return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Its beginning. Of a short answer all is read, so that its connection can be used again."""
    kept, size = b"", 0
    while chunk := await response.content.read(READ - size):
        size += len(chunk)
        kept += chunk[: KEPT - len(kept)]
        if size >= READ:
            response.close()
            break
    return kept


def _cause(error: BaseException) -> str | None:
    """What the guard said, if it is in there."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, AddressError):
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    return None
