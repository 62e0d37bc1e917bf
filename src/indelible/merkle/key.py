"""Keys with names (c2sp.org/signed-note): who signs, and whom one trusts.

audit.example/portal+e6d1c411+AQp7...                     a verifier key, to pin
PRIVATE+KEY+audit.example/portal+e6d1c411+AYEK...         a signing key
"""

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from indelible.errors import MalformedError
from indelible.merkle.b64 import decode, encode

ED25519 = b"\x01"  # the signature type byte
ID_SIZE = 4
KEY_SIZE = 32
_FORM = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*")
DASH = "— "  # U+2014 and a space: so begins a signature line


def key_id(name: str, key: bytes) -> bytes:
    """signed-note, Signatures: the first 4 bytes of SHA-256(name || 0x0A || type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:ID_SIZE]


@dataclass(frozen=True)
class Verifier:
    """A public key with its name; `str()` is the verifier key to pin, `name+hash+base64`."""

    TYPE: ClassVar[bytes] = ED25519

    name: str
    public: bytes  # 32 bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode(self.TYPE + self.public)}"

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.TYPE + self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MalformedError. No error shows the text: it may be a signing key, given by mistake."""
        text = text.strip()
        if text.startswith("PRIVATE+KEY+"):
            raise MalformedError("This is a signing key, for nobody else to see. Give the verifier key `init` printed.")
        try:
            name, _, encoded = text.split("+", 2)
            found = cls(_checked_name(name), decode(encoded)[1:])
        except (ValueError, MalformedError):
            found = None
        if found is None or len(found.public) != KEY_SIZE or str(found) != text:
            if _FORM.fullmatch(text) and not _belongs(text):
                raise MalformedError(
                    "The id in this verifier key is not that of its key: a character was mistyped, or some were cut "
                    "off. Copy it once more, as `indelible verifier LOG` prints it."
                )
            raise MalformedError(
                "This is no verifier key: name+hash+base64 is expected, as `indelible verifier LOG` prints it."
            )
        return found

    def verifies(self, signature: bytes, text: str) -> bool:
        """`signature` as it follows the key's id in a signature line."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


def _belongs(text: str) -> bool:
    """Whether the id is that of name and key, of whatever type."""
    name, id_, encoded = text.split("+", 2)
    try:
        return key_id(name, decode(encoded)).hex() == id_
    except MalformedError:
        return False


class Key:
    """Something that signs under a name."""

    @property
    def verifier(self) -> Verifier:
        raise NotImplementedError

    def line(self, text: str) -> str:
        """Its line among the signatures of a note."""
        raise NotImplementedError

    def sign(self, text: str) -> str:
        """The whole note. Ed25519 is deterministic: the same text gives the same note."""
        return f"{text}\n{self.line(text)}"


@dataclass(frozen=True)
class SigningKey(Key):
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
            seed = decode(encoded)[1:]
            key = cls(_checked_name(name), Ed25519PrivateKey.from_private_bytes(seed))
        except (ValueError, MalformedError):
            raise MalformedError("This is no signing key. Restore the key file from your copy of it.") from None
        if prefix or key.verifier.id.hex() != wanted or key.export() != text.strip():
            raise MalformedError("This signing key is damaged. Restore the key file from your copy of it.")
        return key

    def export(self) -> str:
        raw = serialization.Encoding.Raw
        seed = self._secret.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{encode(ED25519 + seed)}"

    @property
    def verifier(self) -> Verifier:
        raw = serialization.Encoding.Raw
        return Verifier(self.name, self._secret.public_key().public_bytes(raw, serialization.PublicFormat.Raw))

    def line(self, text: str) -> str:
        return f"{DASH}{self.name} {encode(self.verifier.id + self._secret.sign(text.encode()))}\n"


def _checked_name(name: str) -> str:
    if not name or len(name) > 255 or "+" in name or any(c.isspace() or not c.isprintable() for c in name):  # noqa: PLR2004
        raise MalformedError(f"{name[:80]!r} cannot name a key: 1 to 255 characters, no spaces, no plus sign.")
    return name
