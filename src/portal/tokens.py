"""Ids, one-time tokens and license keys. Tokens are stored only as their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: ids are read aloud to support
_ID_LENGTH = 16


def new_id(prefix: str) -> str:
    return f"{prefix}_{_random(_ID_LENGTH)}"


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_license_key() -> str:
    return "NDSK-" + "-".join(_random(5).upper() for _ in range(4))


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
