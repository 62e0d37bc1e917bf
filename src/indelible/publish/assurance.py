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
    """Of the log as it is now. Raises VerificationError where another place has a checkpoint of another history."""
    signed = log.signed_size()
    if not signed:
        return Assurance("unsigned", 0, "")
    anchored = max((_anchored(log, folder) for folder in folders), key=lambda found: found.size, default=None)
    found = _witnessed(log, witnesses)
    if found is not None:
        return found
    return anchored if anchored and anchored.size else Assurance("signed", signed, str(log.verifier))


def _witnessed(log: Log, witnesses: Sequence[Witness]) -> Assurance | None:
    size, note = log.store.newest_cosigned() or (0, "")
    cosigned = note + signature_lines(log.store.cosigned(size)) if note else ""
    names = [each.name for each in witnesses if cosigned and cosigned_at(cosigned, each) is not None]
    return Assurance("witnessed", size, ", ".join(names)) if names else None


def _anchored(log: Log, folder: Path) -> Assurance:
    """The newest checkpoint in a folder, if the log is still what it was of."""
    note = newest(folder)
    if note is None:
        return Assurance("anchored", 0, str(folder))
    try:
        anchored = log.keys.open(note)
    except MalformedError as error:
        raise VerificationError("re-signed", f"the newest checkpoint in {folder} is not this log's: {error}") from error
    if anchored.size > (size := log.head().size):
        raise VerificationError(
            "rolled back",
            f"{folder} has a checkpoint of {anchored.size} entries; the log has {size}. Restore the newest copy.",
        )
    if anchored != log.tree(anchored.size):
        raise VerificationError("forked", f"{folder} has another checkpoint of {anchored.size} entries than the log.")
    return Assurance("anchored", anchored.size, str(folder))
