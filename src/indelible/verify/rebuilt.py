"""What every way of verifying does: lines onto a tree of our own, and that against what was signed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Our own tree, held against each checkpoint as it reaches that size.

    `signed`: up to which size a checkpoint has confirmed the lines.
    """

    def __init__(self, checkpoints: Iterable[Checkpoint], known: Iterable[Checkpoint | None] = ()) -> None:
        """`checkpoints`: the smaller first. They are taken one at a time: there may be as many as entries.

        `known`: what was verified before, or the signer remembers: nobody's signature is under it.
        """
        self.frontier = Frontier()
        self.signed = 0
        self._good = 0  # the size up to which a checkpoint, or what was known, has confirmed the lines
        self._known: dict[int, list[bytes]] = {}
        for each in known:
            if each is not None:
                self._known.setdefault(each.size, []).append(each.root)
        self._ahead = iter(checkpoints)
        self._next = next(self._ahead, None)
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

    def finish(self, *, copy: bool = False) -> None:
        """After the last leaf: nothing that was signed may be missing.

        `copy`: of an export or a mirror it is no wonder that more was verified before, and still no proof that it is
        a beginning of that.
        """
        there, known = self.frontier.size, max(self._known, default=0)
        left = (checkpoint.size for checkpoint in (*([self._next] if self._next else []), *self._ahead))
        signed = max(left, default=0)
        if copy and signed <= there < known:
            raise VerificationError("truncated", older(self.signed, known), there)
        if (beyond := max(signed, known)) > there:
            raise VerificationError(
                "truncated",
                f"{beyond} entries were signed and {there} are there. It was cut, or is an older copy. Restore the "
                "newest one.",
                there,
            )

    def _compare(self) -> None:
        size = self.frontier.size
        signed = list(self._reached(size)) if self._next is not None and self._next.size == size else []
        roots = [*signed, *self._known[size]] if size in self._known else signed
        if not roots:
            return
        ours, good = self.frontier.root(), self._good
        if wrong := [root for root in roots if root != ours]:
            where = f"entry {good}" if size - good == 1 else f"an entry from {good} to {size - 1}"
            if len(wrong) < len(roots):  # what is there is one of them
                message = f"two histories of {size} entries were signed or verified; they part at {where}."
                raise VerificationError("forked", message, good)
            raise VerificationError("changed", f"{where} is not what the checkpoint of size {size} signed.", good)
        self._good = size
        self.signed = size if signed else self.signed

    def _reached(self, size: int) -> Iterator[bytes]:
        while self._next is not None and self._next.size == size:
            yield self._next.root
            self._next = next(self._ahead, None)


def older(size: int, known: int) -> str:
    """What is known of a copy that has less than what was verified before, of which only size and root are kept."""
    return (
        f"the {size} entries that are here are as they were signed; {known} were verified before. It is an older copy, "
        "or was cut: that it is a beginning of those it cannot show. A newer copy or the log itself shows whether "
        "anything was changed since; verify that."
    )


def keyring(verifier: Verifier, changes: Sequence[str]) -> Keyring:
    """The keys that the pinned one leads to, by the changes that are shown."""
    try:
        return Keyring(verifier, changes)
    except MalformedError as error:
        raise VerificationError("re-signed", f"the log's keys do not follow from {verifier}: {error}") from error


def opened(note: str, keys: Keyring, name: str, filed: int | None = None) -> Checkpoint:
    """`filed`: under which size it was found."""
    try:
        checkpoint = keys.open(note)
    except MalformedError as error:
        raise VerificationError("re-signed", f"{name} does not open with the key {keys.pinned}: {error}") from error
    if filed not in (None, checkpoint.size):
        raise VerificationError("changed", f"the checkpoint of size {checkpoint.size} is filed under {filed}.")
    return checkpoint


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
