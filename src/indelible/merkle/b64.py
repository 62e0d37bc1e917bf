"""Base64 of one spelling: what decodes would be written again as it stands."""

import base64
import binascii

from indelible.errors import MalformedError


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """Strict: only what `encode` writes. Raises MalformedError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if encode(data) != text:
        raise MalformedError(f"{text[:40]!r} is not base64.")
    return data
