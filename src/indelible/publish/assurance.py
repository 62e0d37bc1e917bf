"""How sure one may be of the log: worked out from what is there, never claimed.

unsigned    nothing is signed: who can write to the database can change the log
signed      by the log's own key: who has that and the database can make another history
anchored    a checkpoint stands in another place, too: another history is found by whoever looks there
witnessed   somebody else has signed it: another history is found by whoever asks for their signature
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from indelible.errors import MalformedError, VerificationError
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.cosignature import Witness, cosigned_at
from indelible.merkle.note import signature_lines
from indelible.publish.folder import newest

Level = Literal["unsigned", "signed", "anchored", "witnessed"]


class Assurance(NamedTuple):
    """The highest level that there is, up to which size of the log, and by whom."""

    level: Level
    size: int
    by: str


def assurance(log: Log, folders: Sequence[Path] = (), witnesses: Sequence[Witness] = ()) -> Assurance:
    """Of the log as it is now. Raises VerificationError where somebody has a checkpoint of another history."""
    signed = log.signed_size()
    if not signed:
        return Assurance("unsigned", 0, "")
    anchored = max((_anchored(log, folder) for folder in folders), key=lambda found: found.size, default=None)
    found = _witnessed(log, witnesses)
    if found is not None:
        return found
    return anchored if anchored and anchored.size else Assurance("signed", signed, str(log.verifier))


def _witnessed(log: Log, witnesses: Sequence[Witness]) -> Assurance | None:
    """Up to where one of them saw the log, and by all that saw it there."""
    notes = [(each.name, note) for each in witnesses if (note := _cosigned(log, each))]
    sizes = [(name, _held(log, note, name).size) for name, note in notes]
    size = max((size for _, size in sizes), default=0)
    by = dict.fromkeys(name for name, its in sizes if its == size)  # who is listed twice is one
    return Assurance("witnessed", size, ", ".join(by)) if size else None


def _cosigned(log: Log, witness: Witness) -> str | None:
    """The newest checkpoint that it signed. One by a key that was revoked by then is no evidence, for or against."""
    upto = None
    while (found := log.store.newest_cosigned(witness.name, upto)) is not None:
        size, note = found
        signed = cosigned_at(note + signature_lines(log.store.cosigned(size)), witness)
        if signed is not None and not log.keys.revoked(note):
            return note
        upto = size - 1
    return None


def _anchored(log: Log, folder: Path) -> Assurance:
    """By the newest checkpoint in a folder."""
    note = newest(folder)
    return Assurance("anchored", 0 if note is None else _held(log, note, str(folder)).size, str(folder))


def _held(log: Log, note: str, who: str) -> Checkpoint:
    """The log against what somebody has of it: a note that was put into another history is no evidence of that."""
    try:
        checkpoint = log.keys.open(note)
    except MalformedError as error:
        raise VerificationError("re-signed", f"the newest checkpoint of {who} is not this log's: {error}") from error
    if checkpoint.size > (size := log.head().size):
        raise VerificationError(
            "rolled back",
            f"{who} has a checkpoint of {checkpoint.size} entries; the log has {size}. Restore the newest copy.",
        )
    if checkpoint != log.tree(checkpoint.size):
        message = f"{who} has another checkpoint of {checkpoint.size} entries than the log."
        raise VerificationError("forked", message)
    return checkpoint
