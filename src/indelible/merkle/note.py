"""Signed notes (c2sp.org/signed-note): a text, a blank line, and signatures that can be read aloud.

    audit.example/portal
    48213
    nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

    — audit.example/portal 5nHbEcq…

Parsing accepts exactly what formatting writes. Whatever is wrong with a note is one error.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from indelible.errors import MalformedError

ED25519 = b"\x01"  # the signature type byte
ID_SIZE = 4
KEY_SIZE = 32
MAX_NOTE = 1_000_000  # bytes
_DASH = "— "  # U+2014 and a space


def key_id(name: str, key: bytes) -> bytes:
    """signed-note, Signatures: the first 4 bytes of SHA-256(name || 0x0A || type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:ID_SIZE]


@dataclass(frozen=True)
class Verifier:
    """A public key with its name; `str()` is the verifier key to pin, `name+hash+base64`."""

    name: str
    public: bytes  # 32 bytes

    def __str__(self) -> str:
        key = ED25519 + self.public
        return f"{self.name}+{key_id(self.name, key).hex()}+{_b64(key)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MalformedError."""
        name, key = _split_key(text.strip())
        return cls(name, key)

    def verifies(self, signature: bytes, text: str) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A private key with its name. It never appears in a repr, an error or a log."""

    name: str
    _secret: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r})"

    @classmethod
    def generate(cls, name: str) -> Self:
        """Raises MalformedError if `name` cannot name a key."""
        return cls(_checked_name(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `PRIVATE+KEY+name+hash+base64`. Raises MalformedError, which shows nothing of the text."""
        prefix, _, rest = text.strip().partition("PRIVATE+KEY+")
        try:
            name, wanted, encoded = rest.split("+", 2)
            seed = _unb64(encoded)[1:]
            key = cls(_checked_name(name), Ed25519PrivateKey.from_private_bytes(seed))
        except (ValueError, MalformedError):
            raise MalformedError("This is no signing key. Restore the key file from your copy of it.") from None
        if prefix or key_id(name, ED25519 + key.verifier.public).hex() != wanted or key.export() != text.strip():
            raise MalformedError("This signing key is damaged. Restore the key file from your copy of it.")
        return key

    def export(self) -> str:
        raw = serialization.Encoding.Raw
        seed = self._secret.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return (
            f"PRIVATE+KEY+{self.name}+{key_id(self.name, ED25519 + self.verifier.public).hex()}+{_b64(ED25519 + seed)}"
        )

    @property
    def verifier(self) -> Verifier:
        raw = serialization.Encoding.Raw
        return Verifier(self.name, self._secret.public_key().public_bytes(raw, serialization.PublicFormat.Raw))

    def sign(self, text: str) -> str:
        """The whole note. Ed25519 is deterministic: the same text gives the same note."""
        verifier = self.verifier
        signature = key_id(verifier.name, ED25519 + verifier.public) + self._secret.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_b64(signature)}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a note that `verifier` signed. Signatures by other keys are passed over, as the spec says.

    Raises MalformedError.
    """
    text, lines = _split_note(note)
    expected = key_id(verifier.name, ED25519 + verifier.public)
    for name, signature in [_split_signature(line) for line in lines]:  # all of them: one that is none spoils the note
        if name == verifier.name and signature[:ID_SIZE] == expected:
            if verifier.verifies(signature[ID_SIZE:], text):
                return text
            raise MalformedError(f"The signature by {name} does not fit the note: one of them was changed.")
    raise MalformedError(f"The note carries no signature by {verifier}.")


def _split_note(note: str) -> tuple[str, list[str]]:
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or len(note.encode("utf-8", "replace")) > MAX_NOTE or lines.pop() != "" or not lines:
        raise MalformedError("This is no signed note: text, a blank line and at least one signature line are needed.")
    # signed-note: UTF-8 without control characters but newline; a lone surrogate is no UTF-8.
    if any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in note):
        raise MalformedError("A signed note holds no control characters.")
    return text + "\n", lines


def _split_signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name:
        raise MalformedError(f"{line[:80]!r} is no signature line.")
    signature = _unb64(encoded)
    if len(signature) <= ID_SIZE:
        raise MalformedError(f"The signature by {name} is too short.")
    return name, signature


def _split_key(text: str) -> tuple[str, bytes]:
    """No error shows the text: it may be a signing key, given by mistake."""
    if text.startswith("PRIVATE+KEY+"):
        raise MalformedError("This is a signing key, for nobody else to see. Give the verifier key `init` printed.")
    try:
        name, wanted, encoded = text.split("+", 2)
        key = _unb64(encoded)
        right = key[:1] == ED25519 and len(key) == 1 + KEY_SIZE and key_id(_checked_name(name), key).hex() == wanted
    except (ValueError, MalformedError):
        right = False
    if not right:
        raise MalformedError("This is no verifier key: name+hash+base64 is expected, as `init` printed it.")
    return name, key[1:]


def _checked_name(name: str) -> str:
    if not name or len(name) > 255 or "+" in name or any(c.isspace() or not c.isprintable() for c in name):  # noqa: PLR2004
        raise MalformedError(f"{name[:80]!r} cannot name a key: 1 to 255 characters, no spaces, no plus sign.")
    return name


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    """Strict: only what _b64 would write."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or _b64(data) != text:
        raise MalformedError(f"{text[:40]!r} is not base64.")
    return data
