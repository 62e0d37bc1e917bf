"""Checkpoints (c2sp.org/tlog-checkpoint): the tree's size and root, as the text of a signed note.

audit.example/portal
48213
nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=
"""

import base64
from dataclasses import dataclass
from typing import Self

from indelible.errors import MalformedError
from indelible.merkle.key import SigningKey, Verifier
from indelible.merkle.note import open_note


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: `origin` names the log, `size` counts its leaves, `root` is their hash (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse by round trip: accepted only if writing it again gives the same text. Raises MalformedError."""
        try:
            origin, size, root, rest = text.split("\n", 3)
            checkpoint = cls(origin, int(size), base64.b64decode(root))
        except ValueError:
            raise MalformedError(f"{text[:120]!r} is no checkpoint: origin, size and root are expected.") from None
        if str(checkpoint) != text or not origin or checkpoint.size < 0 or len(checkpoint.root) != 32 or rest:  # noqa: PLR2004
            raise MalformedError(f"{text[:120]!r} is no checkpoint of this format.")
        return checkpoint

    def sign(self, key: SigningKey) -> str:
        return key.sign(str(self))

    @classmethod
    def open(cls, note: str, verifier: Verifier) -> Self:
        """The checkpoint in a note signed by `verifier`, for the log of that name. Raises MalformedError."""
        checkpoint = cls.parse(open_note(note, verifier))
        if checkpoint.origin != verifier.name:
            raise MalformedError(f"This checkpoint is of {checkpoint.origin}; the key is for {verifier.name}.")
        return checkpoint
