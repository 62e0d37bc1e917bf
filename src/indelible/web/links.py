"""Links to the log of one organization, for somebody whom the host alone knows: signed, and good for a while.

    /audit/as/eyJvcmdhbml6YXRpb24iOi….9f86d081884c7d659a2feaa0c55ad015/

A host puts one into a page of its own, in a frame or behind a button, for a customer's administrator. Whoever has the
link sees what it says until it ends; it cannot be made to say anything else, and lets nobody manage anything.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from indelible.errors import UsageError
from indelible.event import Actor
from indelible.viewer import Viewer
from indelible.webhooks.secret import Secrets

LONGEST = timedelta(days=1)


class _Said(Struct, frozen=True):
    organization: str
    actor: Actor
    until: float  # seconds since 1970


def sign(secrets: Secrets, organization: str, actor: Actor, lasts: timedelta) -> str:
    """What stands between `/as/` and `/`. Raises UsageError."""
    if not organization:
        raise UsageError("A link is to the log of one organization: give its id.")
    if not timedelta() < lasts <= LONGEST:
        raise UsageError(f"A link is good for up to {LONGEST}; this one is to last {lasts}.")
    until = (datetime.now(UTC) + lasts).timestamp()
    told = urlsafe_b64encode(msgspec.json.encode(_Said(organization, actor, until))).decode().rstrip("=")
    return f"{told}.{_mac(secrets, told)}"


def read(secrets: Secrets, link: str) -> Viewer | None:
    """None for a link that has ended, or was not made here."""
    told, _, mac = link.rpartition(".")
    if not hmac.compare_digest(mac.encode(), _mac(secrets, told).encode()):
        return None
    said = msgspec.json.decode(urlsafe_b64decode(told + "=" * (-len(told) % 4)), type=_Said)
    if datetime.now(UTC).timestamp() >= said.until:
        return None
    return Viewer(actor=said.actor, organization=said.organization)


def _mac(secrets: Secrets, told: str) -> str:
    return secrets.token(f"viewer {told}")
