"""Where a signing key comes from: a file, the environment, or a command that signs and never shows it.

    INDELIBLE_KEY='PRIVATE+KEY+audit.example/portal+...'
    INDELIBLE_KEY_COMMAND='/usr/local/bin/kms-sign --key audit'

The command is called with one more word. `verifier`: it prints the verifier key. `sign`: it prints, in base64, the
Ed25519 signature of what it reads. The file comes first, if it is there. No key is ever in the log's database.
"""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from indelible.errors import LogError, MalformedError, NotFoundError
from indelible.files import beside, sync
from indelible.merkle.b64 import decode, encode
from indelible.merkle.key import DASH, Key, SigningKey, Verifier

SECONDS = 30  # for a command


@dataclass(frozen=True)
class CommandKey(Key):
    """Somebody else has the key, a key management service perhaps, and signs what it is given."""

    command: tuple[str, ...]
    public: Verifier

    @property
    def name(self) -> str:
        return self.public.name

    @property
    def verifier(self) -> Verifier:
        return self.public

    def line(self, text: str) -> str:
        signature = decode(_run(self.command, "sign", text.encode()))
        if not self.public.verifies(signature, text):
            raise LogError(f"{self.command[0]} gave a signature that is not by {self.public}. Look at its key.")
        return f"{DASH}{self.name} {encode(self.public.id + signature)}\n"


def load(path: Path) -> Key:
    """The key of the file, of the environment, or of a command. Raises NotFoundError, LogError, MalformedError."""
    if path.is_file():
        return read(path)
    found = given()
    if found is None:
        raise NotFoundError(
            f"The signing key {path} is missing. Restore it from your copy; the log cannot be signed without it."
        )
    return found


def given() -> Key | None:
    """What the environment has."""
    if text := os.environ.get("INDELIBLE_KEY"):
        return SigningKey.parse(text)
    if command := tuple(shlex.split(os.environ.get("INDELIBLE_KEY_COMMAND", ""))):
        return CommandKey(command, Verifier.parse(_run(command, "verifier")))
    return None


def read(path: Path) -> SigningKey:
    try:
        return SigningKey.parse(path.read_text(errors="replace"))
    except OSError as error:
        raise LogError(f"The signing key {path} cannot be read: {error.strerror}. Run as its owner.") from error


def write(path: Path, key: SigningKey) -> None:
    """Whole or not at all, and never over another. Raises LogError."""
    try:
        with beside(path) as made:
            made.write_text(key.export() + "\n")
            sync(made)
            os.link(made, path)
        sync(path.parent)
    except FileExistsError as error:
        raise LogError(f"The key file {path} exists already. Move it away, or use the log that it signs.") from error
    except OSError as error:
        raise LogError(f"The key file {path} cannot be written: {error.strerror}.") from error


def _run(command: tuple[str, ...], word: str, text: bytes = b"") -> str:
    """What it says may be in an error; what it was given is public."""
    try:
        done = subprocess.run([*command, word], input=text, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603 - the operator's own
        return done.stdout.decode().strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError, MalformedError) as error:
        raise LogError(f"The signing command {command[0]} failed at `{word}`: {error}.") from error
