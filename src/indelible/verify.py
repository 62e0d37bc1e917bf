"""Is the log what was signed? Trusts the bytes of the lines, a public key and checkpoints; nothing derived.

Every line is hashed anew onto a tree of our own, and the tree is held against every checkpoint on its way.
The first entry that does not fit is named. The index that people search is held against the lines too: a row
missing there would hide an entry from everybody who does not verify.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from indelible.errors import EventError, MalformedError, NotFoundError, VerificationError
from indelible.event import Entry, micros, read
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.note import Verifier
from indelible.merkle.tree import Frontier, leaf_hash

Progress = Callable[[int], None]  # called with how many leaves are checked
BATCH = 1000
INDEXED = 9  # columns of an index row before those that are only compared by a search


@dataclass(frozen=True)
class Report:
    """What held. `signed` of `size` entries are covered by a checkpoint."""

    origin: str
    size: int
    signed: int
    root: bytes


def verify_log(  # noqa: PLR0913 - what may be held against it, and how
    log: Log,
    verifier: Verifier,
    earlier: str | None = None,
    progress: Progress = lambda _: None,
    *,
    known: Checkpoint | None = None,
    files: bool = True,
) -> Report:
    """Check a whole log with a pinned key, and optionally a signed note that left the machine earlier.

    What the signer beside the log remembers is asked as well, where it is there: it may know of entries that were cut
    off together with their checkpoints; so is `known`, what was verified before. `files`: the database's own check of
    its files too, which reads all of them. Raises VerificationError, with `kind` and the first bad `seq`.
    """
    # In this order, so that a log that grows meanwhile is not mistaken for a damaged one.
    checkpoints = _checkpoints(log, verifier, earlier)
    signed = max((checkpoint.size for checkpoint in checkpoints), default=0)
    head = log.head()
    tree = _Tree([*checkpoints, known] if known else checkpoints)
    for seq, hash_, line in log.leaves(0, head.size):
        tree.add(seq, line, hash_)
        _check_line(seq, line)
        if tree.frontier.size % BATCH == 0:
            _check_index(log, tree.frontier.size - BATCH, tree.frontier.size)
            progress(tree.frontier.size)
    size = tree.frontier.size
    _check_index(log, size - size % BATCH, size)
    tree.finish()
    if head.size != size:
        raise VerificationError("truncated", f"the log claims {head.size} entries and holds {size}.", size)
    if (head.root, head.frontier.pack()) != (tree.frontier.root(), tree.frontier.pack()):
        raise VerificationError("changed", f"the lines do not give the root that the head of size {size} claims.")
    _check_bounds(log)
    _check_attachments(log)
    if files:
        _check_file(log)
    return Report(verifier.name, size, signed, tree.frontier.root())


def verify_file(path: Path, verifier: Verifier, note: str, progress: Progress = lambda _: None) -> Report:
    """Check a JSON Lines export of a whole log against a signed checkpoint. Raises VerificationError."""
    checkpoint = _open(note, verifier, "the checkpoint")
    tree = _Tree([checkpoint])
    for seq, line in enumerate(_file_lines(path)):
        entry_seq = _check_line(None, line)
        if entry_seq != seq:
            raise VerificationError(
                "missing", f"entry {seq} is not in the file; after {seq - 1} comes {entry_seq}. "
                "A filtered export cannot be held against a checkpoint of the whole log: export without a query.", seq,
            )  # fmt: skip
        tree.add(seq, line)
        if seq % BATCH == 0:
            progress(seq)
    tree.finish()
    return Report(verifier.name, tree.frontier.size, checkpoint.size, tree.frontier.root())


class _Tree:
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
                f"{max(beyond)} entries were signed and {self.frontier.size} are there.",
                self.frontier.size,
            )

    def _compare(self) -> None:
        size = self.frontier.size
        for root in self._roots.get(size, ()):
            if root != self.frontier.root():
                where = f"entry {self._good}" if size - self._good == 1 else f"an entry from {self._good} to {size - 1}"
                raise VerificationError(
                    "changed", f"{where} is not what the checkpoint of size {size} signed.", self._good
                )
            self._good = size


def _checkpoints(log: Log, verifier: Verifier, earlier: str | None) -> list[Checkpoint]:
    checkpoints = []
    for size, note in log.store.checkpoints():
        checkpoints.append(_open(note, verifier, f"the checkpoint of size {size}"))
        if checkpoints[-1].size != size:
            raise VerificationError("changed", f"the checkpoint of size {checkpoints[-1].size} is filed under {size}.")
    if earlier is not None:
        checkpoints.append(_open(earlier, verifier, "the checkpoint given"))
    remembered = log.last_signed()
    return [*checkpoints, remembered] if remembered else checkpoints


def _open(note: str, verifier: Verifier, name: str) -> Checkpoint:
    try:
        return Checkpoint.open(note, verifier)
    except MalformedError as error:
        raise VerificationError("re-signed", f"{name} does not open with the key {verifier}: {error}") from error


def _check_line(seq: int | None, line: bytes) -> int:
    """A line is an entry and stands where it says; gives its sequence number."""
    try:
        entry = read(line)
        datetime.fromisoformat(entry.occurred_at)
    except (EventError, ValueError) as error:
        raise VerificationError("changed", f"entry {seq if seq is not None else '?'}: {error}", seq) from error
    if seq is not None and entry.seq != seq:
        raise VerificationError("reordered", f"at place {seq} stands the entry {entry.seq}.", seq)
    return entry.seq


def _check_index(log: Log, start: int, stop: int) -> None:
    """The rows people search by say what the lines say, and would be found by it."""
    rows = {row[0]: row[1:] for row in log.store.index_rows(start, stop)}
    for seq, _, line in log.leaves(start, min(stop, start + BATCH)):
        entry, row = read(line), rows.pop(seq, None)
        if row is None or row[:INDEXED] != _index_row(entry) or not _findable(entry, row[INDEXED:]):
            raise VerificationError("index", f"the search index does not say of entry {seq} what its line says.", seq)
    if rows:
        message = f"the search index shows entry {min(rows)}, which is not in the log."
        raise VerificationError("index", message, min(rows))


def _findable(entry: Entry, folded: tuple[str, ...]) -> bool:
    """What the dictionaries compare a search with has every spelling that the line has."""
    actor, entity, organization = entry.actor, entry.entity, entry.organization
    spellings = (
        (entry.action,), (entry.operation,), (entry.context.source or "unknown",), (entity.type,),
        (entity.id, entity.name), (actor.name, actor.email, actor.id, actor.type),
        (organization.id, organization.name) if organization else (),
    )  # fmt: skip
    return all(
        {line for spelling in wanted if spelling for line in spelling.casefold().split("\n")}
        <= {*(found or "").split("\n")}
        for wanted, found in zip(spellings, folded, strict=True)
    )


def _check_file(log: Log) -> None:
    if said := log.store.damage():
        raise VerificationError("index", f"the file {log.store.path} is damaged: {said}.")


def _check_attachments(log: Log) -> None:
    """A value beside the log may have been taken out, never changed: its hash is its name."""
    for hash_, nonce, value in log.store.attachments():
        if hashlib.sha256(nonce + value).digest() != hash_:
            raise VerificationError("changed", f"the value kept beside the log as {hash_.hex()} is another one.")


def _check_bounds(log: Log) -> None:
    """Nothing stands outside the tree. Bounds first, head second: both move in one transaction."""
    bounds, size = log.store.bounds(), log.head().size
    for seq in bounds:
        if seq is not None and not 0 <= seq < size:
            raise VerificationError("added", f"entry {seq} stands outside the log of {size} entries.", seq)


def _index_row(entry: Entry) -> tuple[Any, ...]:
    """The row that `SQLiteStore.appending` writes for this line."""
    at = micros(datetime.fromisoformat(entry.occurred_at))
    actor = msgspec.json.encode(entry.actor).decode()
    organization = entry.organization.id if entry.organization else None
    return (
        entry.id.bytes, at, entry.action, entry.operation, entry.context.source or "unknown",
        entry.entity.type, entry.entity.id, actor, organization,
    )  # fmt: skip


def _file_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    raise VerificationError("truncated", f"the last line of {path} has no end: the file was cut.")
                yield line[:-1]
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from error
