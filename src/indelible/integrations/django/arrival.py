"""How a request arrived: address, program, id. What a client claims is believed only of the project's own proxies."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from secrets import token_hex
from typing import NamedTuple

from indelible.integrations.django.conf import Settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=/+-]{0,127}")


class Arrival(NamedTuple):
    ip: str | None
    user_agent: str | None
    request_id: str


def arrival(peer: str | None, header: Callable[[str], str], settings: Settings) -> Arrival:
    given = header(settings.REQUEST_ID_HEADER)
    known = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
    return Arrival(_client(peer, header(settings.PROXY_HEADER), settings), header("User-Agent") or None, known)


def _client(peer: str | None, forwarded: str, settings: Settings) -> str | None:
    """From the peer leftwards, only past proxies of ours."""
    networks = [ip_network(name) for name in settings.TRUSTED_PROXIES]
    here = peer
    for node in reversed(forwarded.split(",")):
        if here is None or not any(ip_address(here) in network for network in networks):
            break
        try:
            here = str(ip_address(node.strip()))
        except ValueError:
            break
    return here
