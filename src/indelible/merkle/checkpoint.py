"""Checkpoints (c2sp.org/tlog-checkpoint): the tree's size and root, as the text of a signed note.

audit.example/portal
48213
nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

An organization's tree has a checkpoint of its own: of another origin, and with the log's size among which it was made.

audit.example/portal/org/org_7
211
ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGU=
log 48213
"""

import base64
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from indelible.errors import MalformedError
from indelible.merkle.key import Key, Verifier
from indelible.merkle.note import open_note
from indelible.merkle.tree import HASH_SIZE

MAX_SIZE = 2**63  # no database counts further


def organization_origin(origin: str, organization: str) -> str:
    """Of the tree of an organization with this id, of whatever characters it is."""
    return f"{origin}/org/{quote(organization, safe='')}"


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: `origin` names the log, `size` counts its leaves, `root` is their hash (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()  # lines below; of a whole log there are none

    def __str__(self) -> str:
        lines = (self.origin, f"{self.size}", base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse by round trip: accepted only if writing it again gives the same text. Raises MalformedError."""
        try:
            origin, size, root, *extensions, rest = text.split("\n")
            checkpoint = cls(origin, int(size), base64.b64decode(root), tuple(extensions))
        except ValueError:
            raise MalformedError(f"{text[:120]!r} is no checkpoint: origin, size and root are expected.") from None
        sound = origin and 0 <= checkpoint.size < MAX_SIZE and len(checkpoint.root) == HASH_SIZE and not rest
        if str(checkpoint) != text or not sound:
            raise MalformedError(f"{text[:120]!r} is no checkpoint of this format.")
        if not all(extensions):
            raise MalformedError("A checkpoint has no empty lines.")  # tlog-checkpoint: extension lines are non-empty
        return checkpoint

    def sign(self, key: Key) -> str:
        return key.sign(str(self))

    @classmethod
    def open(cls, note: str, verifier: Verifier) -> Self:
        """The checkpoint in a note signed by `verifier`, for the log of that name. Raises MalformedError."""
        checkpoint = cls.parse(open_note(note, verifier))
        if checkpoint.origin != verifier.name:
            raise MalformedError(f"This checkpoint is of {checkpoint.origin}; the key is for {verifier.name}.")
        if checkpoint.extensions:
            raise MalformedError(f"This checkpoint says more than a log's ever do: {checkpoint.extensions[0][:80]!r}.")
        return checkpoint

    @classmethod
    def open_organization(cls, note: str, verifier: Verifier, organization: str) -> tuple[Self, int]:
        """Likewise, of an organization's tree; and the size of the log among which it was made."""
        checkpoint = cls.parse(open_note(note, verifier))
        (of_log,) = checkpoint.extensions if len(checkpoint.extensions) == 1 else ("",)
        size = of_log.removeprefix("log ")
        if checkpoint.origin != organization_origin(verifier.name, organization) or not _is_size(size, of_log):
            raise MalformedError(f"This checkpoint is of {checkpoint.origin}, and not of the organization's tree.")
        return checkpoint, int(size)


def _is_size(size: str, line: str) -> bool:
    return size.isascii() and size.isdigit() and line == f"log {int(size)}"
