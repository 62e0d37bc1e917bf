"""Which addresses may be connected to: the public internet's, and networks that this installation allows by name.

Whoever may add an endpoint chooses where our server connects to; what answers inside its network stays out of reach.
A name proves nothing: what it resolves to is checked, all of it, and the connection is made to what was checked. The
ranges are those of the IANA special-purpose registries (RFC 6890), spelled out: the standard library's opinion of them
changes between versions.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from indelible.errors import AddressError, UsageError

VARIABLE = "INDELIBLE_WEBHOOK_ALLOW"
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]  # a name and a port to addresses; raises OSError

_NEVER_4 = [
    IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a public address by which a cloud's machines reach its own agent
    )
]  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")  # all else is loopback, link-local, unique local, multicast or unassigned
_NEVER_6 = [IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: leads to the IPv4 address in its last four bytes


def networks(environment: Mapping[str, str] = os.environ) -> tuple[Network, ...]:
    """Those that INDELIBLE_WEBHOOK_ALLOW names, separated by commas. Raises UsageError."""
    try:
        return tuple(ip_network(each.strip()) for each in environment.get(VARIABLE, "").split(",") if each.strip())
    except ValueError as error:
        raise UsageError(f"{VARIABLE}: {error}. Write networks, as in 10.1.0.0/16,192.0.2.7/32.") from error


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER_4)
    if address in _MAPPED or address in _NAT64:
        return is_public(_inner(address))
    return address in _PUBLIC_6 and not any(address in network for network in _NEVER_6)


class Guard:
    """`public`: whether all of the internet is allowed, too; of a connection in the clear it is not."""

    def __init__(self, allowed: Sequence[Network] = (), *, public: bool = True) -> None:
        self._allowed = tuple(allowed)
        self._public = public

    def check(self, text: str) -> str:
        """The address, if it may be connected to. Raises AddressError."""
        try:
            address = ip_address(text)
        except ValueError:
            raise AddressError(f"{text[:80]!r} is no address.") from None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            raise AddressError(f"{text[:80]} is of one link only. {_REMEDY}")
        if not (self._public and is_public(address)) and not self._names(address):
            why = "is not a public address" if self._public else "is not in a network that plain http may go to"
            raise AddressError(f"{address} {why}. {_REMEDY}")
        return text

    async def resolve(self, name: str, port: int, resolve: Resolve) -> list[str]:
        """Its addresses. One that is forbidden forbids all: which of them is used would be chance.

        Raises AddressError; OSError where the name cannot be resolved.
        """
        found = await resolve(name, port)
        if not found:
            raise OSError(f"{name} has no address")
        return [self.check(address) for address in found]

    def _names(self, address: Address) -> bool:
        inner = _inner(address) if isinstance(address, IPv6Address) and address in _MAPPED else address
        return any(inner in network for network in self._allowed)


async def system_resolve(name: str, port: int) -> list[str]:
    """As the machine is set up to, in a thread that nobody waits for.

    `loop.getaddrinfo` would have the loop's own threads do it, and a server that is told to stop waits for these: for a
    name server that is silent, half a minute. Raises OSError, UnicodeError.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def look() -> None:
        try:
            told = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            _tell(loop, found.set_exception, found, error)
        else:
            _tell(loop, found.set_result, found, list(dict.fromkeys(str(address[0]) for *_, address in told)))

    threading.Thread(target=look, name="indelible-names", daemon=True).start()
    return await found


def _tell(
    loop: asyncio.AbstractEventLoop, tell: Callable[[Any], None], found: asyncio.Future[list[str]], value: object
) -> None:
    """Unless nobody waits any more."""
    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(lambda: None if found.done() else tell(value))


def _inner(address: IPv6Address) -> IPv4Address:
    return IPv4Address(address.packed[-4:])


_REMEDY = f"To reach a receiver inside, name its network in {VARIABLE}."
