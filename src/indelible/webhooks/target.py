"""Where a request goes, from an endpoint's URL: what is resolved, what TLS is to prove, and the head of the request."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from indelible.errors import AddressError

MAX_HOST = 253  # characters of a name (RFC 1035)
PORTS = {"https": 443, "http": 80}
_PATH = "/%:@!$&'()*+,;=~-._"  # RFC 3986 3.3; what is escaped stays so
AGENT = "indelible-webhooks/1"


@dataclass(frozen=True)
class Target:
    """`head`: of every request to it, up to the headers that differ."""

    scheme: str
    host: str  # a name in ASCII, or an address
    port: int
    is_address: bool
    head: bytes


@lru_cache(1024)
def target_of(url: str) -> Target:
    """Raises AddressError for what cannot be gone to."""
    try:
        parts = urlsplit(url)
        usual = PORTS[parts.scheme]
        port = parts.port or usual
        host = _ascii(parts.hostname or "")
    except UnicodeError:
        raise AddressError("No receiver has such a name: each part of it has 1 to 63 characters.") from None
    except (ValueError, KeyError):
        raise AddressError("This is no address of a receiver.") from None
    if not host or len(host) > MAX_HOST or parts.username is not None or parts.password is not None:
        raise AddressError("This is no address of a receiver.")
    path = quote(parts.path or "/", safe=_PATH) + (f"?{quote(parts.query, safe=_PATH + '?')}" if parts.query else "")
    shown = (f"[{host}]" if ":" in host else host) + ("" if port == usual else f":{port}")
    head = f"POST {path} HTTP/1.1\r\nHost: {shown}\r\nUser-Agent: {AGENT}\r\nAccept: */*\r\n"
    return Target(parts.scheme, host, port, _is_address(host), head.encode("ascii"))


def _ascii(host: str) -> str:
    """As resolvers take it; a name that only looks like an address in other digits becomes that address."""
    if ":" in host:
        return host
    return host.encode("idna").decode("ascii").lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
