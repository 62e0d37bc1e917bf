"""The secrets of endpoints: derived from one key of this installation, so that no database holds any.

HKDF (RFC 5869) of that key, with the endpoint and its generation as the purpose. Rotating is the next generation.
The key is `INDELIBLE_WEBHOOK_KEY` (32 bytes, base64), or a file beside the log's signing key, made when it is first
needed.
"""

import hashlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from indelible.errors import LogError, MalformedError, UsageError
from indelible.files import beside, sync
from indelible.merkle.b64 import decode, encode
from indelible.work.promise import Statements, Work

logger = logging.getLogger(__name__)

VARIABLE = "INDELIBLE_WEBHOOK_KEY"
SIZE = 32  # bytes: within the 24 to 64 that the specification wants of a symmetric secret
OTHER_KEY = (
    "The key in {} is not the one that the webhooks were added with: it was replaced, or lost and made anew. Put that "
    "back and start the server again; if there is no copy, remove each webhook (`indelible webhooks remove LOG ID`) "
    "and add it again: its receiver gets another secret."
)


@dataclass(frozen=True)
class Secret:
    """Of one endpoint, of one generation."""

    symmetric: bytes
    private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return "Secret(…)"

    @property
    def shared(self) -> str:
        """For who verifies `v1`. Shown once."""
        return f"whsec_{encode(self.symmetric)}"

    @property
    def public(self) -> str:
        """For who verifies `v1a`. No secret."""
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"whpk_{encode(raw)}"


class Secrets:
    """Everybody's, from the installation's key. `problem`: why nothing is signed for endpoints now."""

    def __init__(self, key: bytes | None, problem: str | None = None, name: str = VARIABLE) -> None:
        self._key = key
        self._name = name
        self.problem = problem

    @classmethod
    def kept(cls, path: Path, work: Work) -> Self:
        """A key that is lost or cut is a `problem` of endpoints, and keeps nothing else from being done.

        Raises UsageError for one in the environment that is none, LogError where the work cannot be had.
        """
        try:
            secrets = cls(_given() or _filed(path), name=f"{path} (or {VARIABLE})")
        except LogError as error:
            return cls(None, str(error))
        with work.transaction() as statements:
            secrets.claim(statements)
        return secrets

    def claim(self, statements: Statements) -> None:
        """Where there is no endpoint yet, this key is the one with which they are added."""
        known = self._check(statements)
        if self._key is None or self.problem is not None or known == self._mark:
            return
        if known is not None:
            logger.warning(
                "The key in %s is not the one of before. There is no webhook, so it is used from now on; links in "
                "digests that were mailed lead nowhere. Several machines need the same key: set %s on each.",
                self._name,
                VARIABLE,
            )
        statements.run("set_webhook_key", mark=self._mark)

    def check(self, statements: Statements) -> None:
        """Whether the endpoints that there are were added with this key. It writes nothing: it is asked often."""
        self._check(statements)

    def _check(self, statements: Statements) -> str | None:
        """Gives the mark of the key that is in use; None before the first."""
        if self._key is None:
            return None
        known = next((mark for (mark,) in statements.run("webhook_key")), None)
        other = known not in (None, self._mark) and statements.run("endpoints")
        self.problem = OTHER_KEY.format(self._name) if other else None  # receivers would refuse what it signs
        return known

    @property
    def _mark(self) -> str:
        return hashlib.sha256(b"indelible webhook key\n" + (self._key or b"")).hexdigest()

    def of(self, endpoint: str, generation: int) -> Secret:
        """Raises LogError where there is a `problem`."""
        if self.problem is not None:
            raise LogError(self.problem)
        seed = self._derive("v1a", endpoint, generation)
        return Secret(self._derive("v1", endpoint, generation), Ed25519PrivateKey.from_private_bytes(seed))

    def token(self, purpose: str) -> str:
        """For a link that only who was given it can know. Raises LogError where there is no key."""
        return self._derive("token", purpose, 0)[:16].hex()

    def _derive(self, scheme: str, endpoint: str, generation: int) -> bytes:
        if self._key is None:
            raise LogError(self.problem or f"There is no key in {self._name}.")
        purpose = f"indelible webhook {scheme}\n{endpoint}\n{generation}".encode()
        return HKDF(SHA256(), SIZE, None, purpose).derive(self._key)


def key_path(signing_key: Path) -> Path:
    return signing_key.with_name(f"{signing_key.name}.webhooks")


def _given() -> bytes | None:
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        key = decode(text)
    except MalformedError:
        key = b""
    if len(key) != SIZE:
        raise UsageError(f"{VARIABLE} is not {SIZE} bytes in base64. Make one: openssl rand -base64 {SIZE}")
    return key


def _filed(path: Path) -> bytes:
    """Made whole or not at all; of two that make it one wins, and both use that."""
    try:
        if not path.exists():
            with beside(path) as made:
                made.write_bytes(secrets.token_bytes(SIZE))
                sync(made)
                if not path.exists():
                    _link(made, path)
            sync(path.parent)
        key = path.read_bytes()
    except OSError as error:
        raise LogError(f"The key of webhooks {path} cannot be had: {error.strerror}. Run as its owner.") from error
    if len(key) != SIZE:
        raise LogError(f"The key of webhooks {path} has {len(key)} bytes, not {SIZE}. Restore it from a copy.")
    return key


def _link(made: Path, path: Path) -> None:
    try:
        path.hardlink_to(made)
    except FileExistsError:
        return
