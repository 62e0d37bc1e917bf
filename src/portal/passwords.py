"""Argon2id hashing. Never called inside a write transaction: it takes tens of milliseconds on purpose."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH = (10, 256)

_hasher = PasswordHasher()
_slots = BoundedSemaphore(4)  # one hash takes 64 MiB; a burst of sign-ins must not take all memory


class _Decoy:
    """A hash of nothing anyone knows, made on first need, so that an unknown e-mail takes as long as a known one."""

    hash: str | None = None


def hash_password(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes the same time when nothing is stored."""
    try:
        with _slots:
            return _hasher.verify(stored or _decoy(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _decoy() -> str:
    if _Decoy.hash is None:
        _Decoy.hash = _hasher.hash("a password nobody has")
    return _Decoy.hash
