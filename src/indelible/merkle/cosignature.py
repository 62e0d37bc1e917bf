"""Cosignatures (c2sp.org/tlog-cosignature): a witness says that it saw this tree, at this time, and no other beside it.

    — witness.example/w1 base64(key id || time || Ed25519 signature)

A checkpoint with the cosignature of somebody who does not work for the log's operator is what makes a log that was
rewritten with its own key visible to whoever sees only the new one.
"""

from typing import ClassVar

from indelible.errors import MalformedError
from indelible.merkle.key import Verifier
from indelible.merkle.note import split_note

TIME_SIZE = 8
LATEST = 2**63 - 1


class Witness(Verifier):
    """Whose cosignatures are trusted: a verifier key of type 0x04."""

    TYPE: ClassVar[bytes] = b"\x04"

    def verifies(self, signature: bytes, text: str) -> bool:
        time = _time(signature)
        return time <= LATEST and super().verifies(signature[TIME_SIZE:], f"cosignature/v1\ntime {time}\n{text}")


def cosigned_at(note: str, witness: Witness) -> int | None:
    """When the witness cosigned the checkpoint, in POSIX seconds; None if it did not. Raises MalformedError."""
    text, signatures = split_note(note)
    times = [_time(each.rest) for each in signatures if each.by(witness) and witness.verifies(each.rest, text)]
    return max(times, default=None)


def with_cosignatures(note: str, answer: str, witness: Witness) -> str:
    """The note with those lines of a witness's answer that are its cosignatures; the others are passed over.

    tlog-witness, add-checkpoint: they are read as if they stood below the note. Raises MalformedError.
    """
    (text, there), (below, signatures) = split_note(note), split_note(note + answer)
    if below != text:
        raise MalformedError("The witness's answer is no signature lines: there is a blank line in it.")
    valid = (each.line for each in signatures if each.by(witness) and witness.verifies(each.rest, text))
    return note + "".join(line for line in dict.fromkeys(valid) if line not in {each.line for each in there})


def _time(signature: bytes) -> int:
    return int.from_bytes(signature[:TIME_SIZE], "big")
