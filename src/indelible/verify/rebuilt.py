"""What every way of verifying does: lines onto a tree of our own, and that against what was signed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from indelible.errors import EventError, MalformedError, VerificationError
from indelible.event import Entry, read
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import Keyring
from indelible.merkle.tree import Frontier, leaf_hash

Progress = Callable[[int], None]  # called with how many leaves are checked


@dataclass(frozen=True)
class Report:
    """What held. `signed` of `size` entries are covered by a checkpoint."""

    origin: str
    size: int
    signed: int
    root: bytes


class Rebuilt:
    """Our own tree, held against each checkpoint as it reaches that size."""

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self.frontier = Frontier()
        self._roots: dict[int, list[bytes]] = {}
        for checkpoint in checkpoints:
            self._roots.setdefault(checkpoint.size, []).append(checkpoint.root)
        self._good = 0  # the size up to which a checkpoint has confirmed the lines
        self._compare()

    def add(self, seq: int, line: bytes, stored: bytes | None = None) -> None:
        """The next leaf; `stored` is the hash kept beside it, which tells exactly which line was edited."""
        expected = self.frontier.size
        if seq != expected:
            raise VerificationError(
                "missing", f"entry {expected} is not there; after {expected - 1} comes {seq}.", expected
            )
        hash_ = leaf_hash(line)
        if stored is not None and stored != hash_:
            raise VerificationError("changed", f"entry {seq} is not the line that was sealed.", seq)
        self.frontier.append(hash_)
        self._compare()

    def finish(self) -> None:
        """After the last leaf: nothing that was signed may be missing."""
        if beyond := [size for size in self._roots if size > self.frontier.size]:
            raise VerificationError(
                "truncated",
                f"{max(beyond)} entries were signed and {self.frontier.size} are there. It was cut, or is an older "
                "copy. Restore the newest one.",
                self.frontier.size,
            )

    def _compare(self) -> None:
        size = self.frontier.size
        if (signed := self._roots.get(size)) is None:
            return
        ours = self.frontier.root()
        if wrong := [root for root in signed if root != ours]:
            where = f"entry {self._good}" if size - self._good == 1 else f"an entry from {self._good} to {size - 1}"
            if len(wrong) < len(signed):  # what is there is one of them
                message = f"two histories of {size} entries were signed or verified; they part at {where}."
                raise VerificationError("forked", message, self._good)
            raise VerificationError("changed", f"{where} is not what the checkpoint of size {size} signed.", self._good)
        self._good = size


def keyring(verifier: Verifier, changes: Sequence[str]) -> Keyring:
    """The keys that the pinned one leads to, by the changes that are shown."""
    try:
        return Keyring(verifier, changes)
    except MalformedError as error:
        raise VerificationError("re-signed", f"the log's keys do not follow from {verifier}: {error}") from error


def opened(note: str, keys: Keyring, name: str) -> Checkpoint:
    try:
        return keys.open(note)
    except MalformedError as error:
        raise VerificationError("re-signed", f"{name} does not open with the key {keys.pinned}: {error}") from error


def check_line(seq: int | None, line: bytes) -> Entry:
    """A line is an entry and stands where it says; gives that."""
    try:
        entry = read(line)
        datetime.fromisoformat(entry.occurred_at)
    except (EventError, ValueError) as error:
        raise VerificationError("changed", f"entry {seq if seq is not None else '?'}: {error}", seq) from error
    if seq is not None and entry.seq != seq:
        raise VerificationError("reordered", f"at place {seq} stands the entry {entry.seq}.", seq)
    return entry
