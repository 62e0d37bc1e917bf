"""A proof of one entry as a text (c2sp.org/tlog-proof): what an offline verifier needs besides the keys it trusts.

    c2sp.org/tlog-proof@v1
    extra eyJ2IjoxLCJzZXEiOjMsImlkIjoi...
    index 3
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

    audit.example/portal
    48213
    nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

    — audit.example/portal 5nHbEcq…

The extra data is not authenticated by the format. Here it is the line itself, and it is: its hash is what is proved.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from indelible.errors import MalformedError, VerificationError
from indelible.merkle.b64 import decode, encode
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.keyring import Keyring
from indelible.merkle.proof import root_from_inclusion
from indelible.merkle.tree import HASH_SIZE, leaf_hash

FIRST = "c2sp.org/tlog-proof@v1\n"
MAX_PROOF = 2_000_000  # characters


@lru_cache(4096)  # neighbours have most of their hashes in common
def _line(hash_: bytes) -> str:
    return f"{encode(hash_)}\n"


@dataclass(frozen=True)
class TlogProof:
    """Entry `index`, the hashes from its sibling up to the root's child, and the signed note of the tree."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {encode(self.extra)}\n"
        hashes = "".join(map(_line, self.hashes))
        return f"{FIRST}{extra}index {self.index}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse by round trip: accepted only if writing it again gives the same text. Raises MalformedError."""
        try:
            proof = cls._read(text)
        except (ValueError, IndexError, MalformedError):
            proof = None
        if proof is None or len(text) > MAX_PROOF or str(proof) != text or proof.index < 0:
            raise MalformedError("This is no proof: c2sp.org/tlog-proof@v1, index, hashes and checkpoint are expected.")
        if any(len(hash_) != HASH_SIZE for hash_ in proof.hashes):
            raise MalformedError(f"A hash of a proof has {HASH_SIZE} bytes; one of these has not.")
        Checkpoint.parse(proof.checkpoint.rpartition("\n\n")[0] + "\n")
        return proof

    @classmethod
    def _read(cls, text: str) -> Self:
        head, _, checkpoint = text.partition("\n\n")
        _, *lines = head.split("\n")
        extra = decode(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
        index, *hashes = lines
        return cls(int(index.removeprefix("index ")), tuple(map(decode, hashes)), checkpoint, extra)

    def verify(self, line: bytes, keys: Keyring) -> Checkpoint:
        """That `line` is the entry at the index of the log that the checkpoint is of; gives that.

        Raises MalformedError for a note or proof that is none, VerificationError where they do not lead to the root.
        """
        checkpoint = keys.open(self.checkpoint)
        if root_from_inclusion(leaf_hash(line), self.index, checkpoint.size, self.hashes) != checkpoint.root:
            message = f"entry {self.index} is not in the tree of {checkpoint.size} that was signed."
            raise VerificationError("changed", message, self.index)
        return checkpoint
