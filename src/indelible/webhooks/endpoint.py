"""Who hears of entries, and of which."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from indelible.errors import AddressError, QueryError, UsageError
from indelible.event import MAX_NAME, micros
from indelible.search.match import Match, matching
from indelible.search.query import parse
from indelible.webhooks.guard import VARIABLE, Guard, Network
from indelible.webhooks.target import target_of

MAX_URL = 2048  # characters
MAX_CONTACT = 254  # likewise
_MAILBOX = re.compile(r"""(?!-)[^ @()<>\[\]:;,\\"]+@[^ @()<>\[\]:;,\\"]+""")  # what RFC 5322 calls specials is in none

State = Literal["active", "paused", "disabled"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `endpoint`, without the log's name. Moments are microseconds since 1970."""

    id: str
    url: str
    filter: str  # a query; "" is everything
    organization: str | None  # hears of this one's entries only
    contact: str | None  # who is told when it is disabled: an e-mail address
    state: State
    reason: str | None
    created_at: int
    generation: int
    generations_before: str
    cursor: int
    failing_since: int | None
    rests_until: int

    @property
    def name(self) -> str:
        """For people and for entries: where it leads, without the path, which is a secret with some receivers."""
        return shown(self.url)

    def match(self) -> Match:
        """A filter counts from when the endpoint was made, should it say `7d`."""
        made = datetime.fromtimestamp(self.created_at / 1e6, UTC)
        return matching(parse(self.filter, made, kept=True), self.organization)

    def generations(self, now: datetime) -> list[int]:
        """Of the secrets that sign, the newest first."""
        return [self.generation, *reversed(self.before(now))]

    def before(self, now: datetime) -> dict[int, int]:
        """Generations that were rotated away and sign yet, each with the moment until which it does."""
        known = (map(int, each.split("@")) for each in self.generations_before.split())
        return {generation: until for generation, until in known if until > micros(now)}


def check_filter(text: str, now: datetime, whose: str = "A webhook hears of what is yet to come") -> str:
    """Raises QueryError: a range of time is not for what is yet to come."""
    query = parse(text, now)
    if query.since is not None or query.until is not None:
        position = max(text.lower().find("since:"), text.lower().find("until:"), 0)
        raise QueryError(f"{whose}: it takes no since: and no until:.", text, position)
    return text.strip()


def check_url(text: str, allowed: Sequence[Network] = ()) -> str:
    """What can be said of it before it is connected to: a name is looked up then, each time.

    Raises AddressError, which never shows the address itself.
    """
    text = text.strip()
    if len(text) > MAX_URL or not text.isprintable() or " " in text:
        raise AddressError(f"An endpoint's address has up to {MAX_URL} characters, and no spaces among them.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"This is no address: {error}. Type one as https://hooks.example.com/audit.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0 or "\\" in text:
        raise AddressError("This is no address of a receiver. Type one as https://hooks.example.com/audit.")
    if parts.username is not None or parts.password is not None:
        raise AddressError("An address with a user or password in it would show them. Leave them out: we sign instead.")
    if parts.fragment:
        raise AddressError("What stands behind # is never sent. Leave it out.")
    if parts.scheme == "http" and not allowed:
        raise AddressError(f"Use https: plain http is for networks inside, which {VARIABLE} names.")
    target_of(text)
    with suppress(ValueError):
        ip_address(parts.hostname)
        Guard(allowed, public=parts.scheme == "https").check(parts.hostname)
    return text


def shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" + ("/…" if parts.path not in ("", "/") or parts.query else "")


def check_organization(text: str | None) -> str | None:
    """Raises UsageError."""
    if text is not None and len(text) > MAX_NAME:
        raise UsageError(f"An organization's id has up to {MAX_NAME} characters; this one has {len(text)}.")
    return text


def check_contact(text: str | None) -> str | None:
    """One mailbox, as it stands in the header of a mail. Raises UsageError."""
    text = (text or "").strip()
    if text and not (len(text) <= MAX_CONTACT and text.isprintable() and _MAILBOX.fullmatch(text)):
        raise UsageError(f"{text[:80]!r} is no e-mail address. Give one, as dana@acme.test.")
    return text or None
