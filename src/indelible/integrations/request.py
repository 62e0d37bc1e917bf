"""What a request says of where it comes from, and how much of it is believed. Pure: both middlewares use it.

A header is anybody's claim. A proxy of ours adds the address it saw at the right end; what stands left of that was
written by whoever spoke to it. So the walk begins at the peer, goes left only past proxies that were named, and ends
at the first address that is none of them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from secrets import token_hex

from indelible.capture.context import Saying, serving
from indelible.errors import UsageError

FOUND = "indelible.context"  # where in the scope or environ a middleware leaves what it found, a Context
UNIX = "unix"  # among the proxies: whoever connects through a Unix socket

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=/+-]{0,127}")
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)](?::[0-9]{1,5})?|([0-9.]+)(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
_PAIR = re.compile(r"([^\s\"=]+)=([^\s\"]*|\"(?:[^\"\\]|\\.)*\")")


class Door:
    """How requests come in, as the host has declared it."""

    def __init__(
        self, source: str | None, trusted_proxies: Iterable[str], proxy_header: str, request_id_header: str
    ) -> None:
        """Raises UsageError."""
        self._source = source
        self._proxies = Proxies(trusted_proxies)
        self._proxy_header = proxy_header
        self._request_id_header = request_id_header

    def serving(self, peer: str | None, header: Callable[[str], str]) -> Saying:
        """`header` gives a header's value: "" where there is none, joined by commas where there are several."""
        return serving(
            source=self._source,
            ip=self._proxies.client(peer, nodes(self._proxy_header, header(self._proxy_header))),
            user_agent=header("User-Agent") or None,
            request_id=request_id(header(self._request_id_header)),
        )


class Proxies:
    """The proxies in front of the application: their word is believed."""

    def __init__(self, named: Iterable[str]) -> None:
        """Addresses, networks or `unix`; one text with commas is a list too. Raises UsageError."""
        names = [name.strip() for name in (named.split(",") if isinstance(named, str) else named)]
        self._unix = UNIX in names
        self._networks = [_network(name) for name in names if name not in (UNIX, "")]

    def client(self, peer: str | None, nodes: Iterator[str]) -> str | None:
        """The address that the last of our proxies saw; None where nobody has one. `nodes`: the nearest first."""
        here = _address(peer) if peer else None
        known = str(here) if here else peer or None
        trusted = self._unix if known is None else self._trusts(here)
        while trusted and (here := _node(next(nodes, ""))):
            known, trusted = str(here), self._trusts(here)
        return known

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def request_id(given: str) -> str:
    """`given`, if it is safe to repeat anywhere; else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else token_hex(16)


def nodes(header: str, value: str) -> Iterator[str]:
    """Whom the proxies saw, the nearest first; "" where one cannot be read."""
    if header.lower() == "forwarded":
        return (_for(element) for element in _from_right(value, ","))
    return (part.strip(" \t") for part in reversed(value.split(",")))


def _for(element: str) -> str:
    """RFC 7239, 4: `for=` among the pairs of one proxy's element."""
    pairs = [_PAIR.fullmatch(pair) for pair in _from_right(element, ";")]
    named = [pair[2] for pair in pairs if pair and pair[1].lower() == "for"]
    return named[0].strip('"') if len(named) == 1 and all(pairs) else ""


def _from_right(value: str, separator: str) -> Iterator[str]:
    """The parts of a header's value, the last one first.

    Read from the right: a quote that a client leaves open must not swallow what our proxy wrote behind it.
    """
    at = end = len(value)
    while at > 0:
        at -= 1
        if value[at] == '"':
            at = _opening(value, at)
        elif value[at] == separator:
            yield value[at + 1 : end].strip(" \t")
            end = at
    yield value[:end].strip(" \t")


def _opening(value: str, closing: int) -> int:
    """Where the string that ends at `closing` begins: at the nearest quote without a backslash (RFC 9110, 5.6.4)."""
    at = closing
    while (at := value.rfind('"', 0, at)) > 0:
        first = at
        while first > 0 and value[first - 1] == "\\":
            first -= 1
        if (at - first) % 2 == 0:
            break
    return max(at, 0)


def _node(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without brackets and port; None for anything else: `unknown`, `_hidden`, a typo."""
    matched = _NODE.fullmatch(text)
    return _address(matched[matched.lastindex or 0]) if matched else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(name: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(name)
    except ValueError as error:
        raise UsageError(
            f"The trusted proxy {name!r} is no address and no network ({error}). "
            f"Give 192.0.2.7, 10.0.0.0/8, fd00::/8 or {UNIX}."
        ) from error
