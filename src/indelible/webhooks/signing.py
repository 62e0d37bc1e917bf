"""Standard Webhooks 1.0.0, "Verifying webhook authenticity": three headers over id, time and body.

webhook-id: msg_0192f3c17c1e7b7a9d0e3f0c5b1a2e44
webhook-timestamp: 1795425243
webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= v1a,hnO3f9T8Ytu9HwrX…
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from indelible.errors import MalformedError
from indelible.merkle.b64 import decode, encode
from indelible.webhooks.secret import Secret

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
JSON = {"Content-Type": "application/json"}
MAX_DIGITS = 12  # of a timestamp
TOLERANCE = 300  # seconds, either way: as the specification's libraries have it


def message_id(event: UUID) -> str:
    """Of an event, whichever the attempt and the endpoint. No full stop: it ends the id in what is signed."""
    return f"msg_{event.hex}"


def headers(message: str, timestamp: int, body: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """`secrets`: the current one; while one is rotated, the one before as well. Each signs in both schemes."""
    content = b"%s.%d.%s" % (message.encode(), timestamp, body)
    return {
        ID: message,
        TIMESTAMP: str(timestamp),
        SIGNATURE: " ".join(signature for secret in secrets for signature in _both(secret, content)),
    }


def verify(given: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: float) -> None:
    """That whoever asks has one of these secrets: a `v1` signature. Whatever is wrong is the same MalformedError."""
    message, timestamp, signatures = (given.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not _timely(timestamp, now) or not message.isascii() or not 0 < len(message) <= 256:  # noqa: PLR2004
        raise _refused()
    content = b"%s.%s.%s" % (message.encode(), timestamp.encode(), body)
    wanted = [_v1(secret, content) for secret in secrets]
    found = [_decoded(each) for each in signatures.split(" ")[:16]]
    if not any(hmac.compare_digest(a, b) for a in wanted for b in found):
        raise _refused()


def _timely(timestamp: str, now: float) -> bool:
    digits = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_DIGITS
    return digits and abs(int(timestamp) - now) <= TOLERANCE


def _both(secret: Secret, content: bytes) -> tuple[str, str]:
    return (
        f"v1,{encode(_v1(secret, content))}",
        f"v1a,{encode(secret.private.sign(content))}",
    )


def _v1(secret: Secret, content: bytes) -> bytes:
    return hmac.digest(secret.symmetric, content, hashlib.sha256)


def _decoded(signature: str) -> bytes:
    scheme, _, text = signature.partition(",")
    try:
        return decode(text) if scheme == "v1" else b""
    except MalformedError:
        return b""


def _refused() -> MalformedError:
    return MalformedError("The signature of this request cannot be verified.")
