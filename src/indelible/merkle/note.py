"""Signed notes (c2sp.org/signed-note): a text, a blank line, and signatures that can be read aloud.

    audit.example/portal
    48213
    nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

    — audit.example/portal 5nHbEcq…

Parsing accepts exactly what formatting writes. Whatever is wrong with a note is one error.
"""

from typing import NamedTuple

from indelible.errors import MalformedError
from indelible.merkle.b64 import decode
from indelible.merkle.key import DASH, ID_SIZE, Verifier

MAX_NOTE = 1_000_000  # bytes


class Signature(NamedTuple):
    """A line below a note: whose it says it is, the key's id, and the rest, which is the algorithm's."""

    line: str
    name: str
    key_id: bytes
    rest: bytes

    def by(self, verifier: Verifier) -> bool:
        """Whether it claims to be; whether it is so, `Verifier.verifies` tells."""
        return (self.name, self.key_id) == (verifier.name, verifier.id)


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a note that `verifier` signed. Signatures by other keys are passed over, as the spec says.

    Raises MalformedError.
    """
    text, signatures = split_note(note)
    own = [signature for signature in signatures if signature.by(verifier)]
    if not own:
        raise MalformedError(f"The note carries no signature by {verifier}.")
    if not all(verifier.verifies(signature.rest, text) for signature in own):  # signed-note: each that claims to be
        raise MalformedError(f"The signature by {verifier.name} does not fit the note: one of them was changed.")
    return text


def signature_lines(lines: str) -> str:
    """Of lines to stand below a note those that are signatures: one that is none would spoil it."""
    return "".join(filter(_is_signature, lines.splitlines(keepends=True)))


def _is_signature(line: str) -> bool:
    try:
        return bool(split_note(f"text\n\n{line}"))
    except MalformedError:
        return False


def split_note(note: str) -> tuple[str, list[Signature]]:
    """The text, which ends with a line, and all the signatures: one that is none spoils the note. MalformedError."""
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or len(note.encode("utf-8", "replace")) > MAX_NOTE or lines.pop() != "" or not lines:
        raise MalformedError("This is no signed note: text, a blank line and at least one signature line are needed.")
    # signed-note: UTF-8 without control characters but newline; a lone surrogate is no UTF-8.
    if any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in note):
        raise MalformedError("A signed note holds no control characters.")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    # signed-note: names are not empty, and have no Unicode spaces and no plus.
    if not line.startswith(DASH) or not name or any(c.isspace() or c == "+" for c in name):
        raise MalformedError(f"{line[:80]!r} is no signature line.")
    signature = decode(encoded)
    if len(signature) <= ID_SIZE:
        raise MalformedError(f"The signature by {name} is too short.")
    return Signature(f"{line}\n", name, signature[:ID_SIZE], signature[ID_SIZE:])
