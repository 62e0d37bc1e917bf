"""A log where it lives, with everything that was made of it."""

import hashlib
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter

from indelible.errors import VerificationError
from indelible.event import Entry
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import Keyring
from indelible.merkle.tile import WIDTH, completed
from indelible.values import NONCE
from indelible.verify.index import Index
from indelible.verify.organizations import OrganizationTrees
from indelible.verify.rebuilt import Progress, Rebuilt, Report, check_line, keyring, opened

BATCH = 1024


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
    try:
        return _verify(log, verifier, earlier, progress, known=known, files=files)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        # A file that was damaged may hold a value of any kind in any place.
        raise VerificationError("changed", f"{log.store} holds what no log has: {error}.") from error


def _verify(  # noqa: PLR0913 - likewise
    log: Log, verifier: Verifier, earlier: str | None, progress: Progress, *, known: Checkpoint | None, files: bool
) -> Report:
    _check_which(log, verifier)
    # In this order, so that a log that grows meanwhile is not mistaken for a damaged one.
    keys = keyring(verifier, log.store.key_changes())
    checkpoints, remembered = _checkpoints(log, keys, log.signed_size()), log.last_signed()
    given = [] if earlier is None else [opened(earlier, keys, "the checkpoint given")]
    organizations = OrganizationTrees(log.store.organization_checkpoints, keys)
    head = log.head()
    # The signer's memory is a file that anybody on its machine may have written: no signature is under it.
    tree, nodes = Rebuilt(merge(checkpoints, given, key=attrgetter("size")), (known, remembered)), None
    index, entries = Index(log), list[Entry]()
    for seq, hash_, line in log.leaves(0, head.size):
        if seq % WIDTH == WIDTH - 1:
            nodes = nodes or _other_nodes(log, completed(tree.frontier, hash_))
        tree.add(seq, line, hash_)
        entries.append(check_line(seq, line))
        organizations.add(entries[-1], hash_)
        if len(entries) == BATCH:
            index.check(entries)
            entries.clear()
            progress(tree.frontier.size)
    index.check(entries)
    size = tree.frontier.size
    tree.finish()
    if nodes:  # said last: of a line that was changed they know less than the checkpoints around it
        raise nodes
    organizations.finish(size)
    if head.size != size:
        raise VerificationError("truncated", f"the log claims {head.size} entries and holds {size}.", size)
    if (head.root, head.frontier.pack()) != (tree.frontier.root(), tree.frontier.pack()):
        raise VerificationError("changed", f"the lines do not give the root that the head of size {size} claims.")
    index.finish()
    if (shown := log.store.properties["verifier"]) != str(keys.first):
        raise VerificationError("re-signed", f"the log says that its first key is {shown}; it was {keys.first}.")
    _check_bounds(log)
    _check_attachments(log)
    if files:
        _check_file(log)
        _check_blocks(log, size)
    return Report(verifier.name, size, tree.signed, tree.frontier.root())


def _check_which(log: Log, verifier: Verifier) -> None:
    """That it is the key's log, and the file that stands there."""
    if verifier.name != log.origin:
        message = f"this log calls itself {log.origin}; the key is of {verifier.name}. Is it another log's key?"
        raise VerificationError("re-signed", message)
    if said := log.store.moved():
        raise VerificationError("rolled back", said)


def _checkpoints(log: Log, keys: Keyring, upto: int) -> Iterator[Checkpoint]:
    for size, note in log.store.checkpoints(upto):
        if not keys.revoked(note):  # what a key signed after it was good is no evidence, for or against
            yield opened(note, keys, f"the checkpoint of size {size}", size)


def _other_nodes(log: Log, nodes: list[tuple[int, int, bytes]]) -> VerificationError | None:
    """Whether the hashes that proofs are made of are not those of the tree."""
    for level, number, hash_ in nodes:
        if log.store.nodes(level, number, number + 1) != [hash_]:
            leaves = range(number * WIDTH**level, (number + 1) * WIDTH**level)
            message = f"the hash kept for the entries {leaves[0]} to {leaves[-1]} is not theirs."
            return VerificationError("index", message, leaves[0])
    return None


def _check_file(log: Log) -> None:
    if said := log.store.damage():
        raise VerificationError("index", f"{log.store} is damaged: {said}.")
    if said := log.store.altered():
        raise VerificationError(
            "schema",
            f"{said}. The entries are as they were sealed; the database may no longer refuse to have them changed. "
            "Put it back: docs/assurance.md, “When it fails”.",
        )


def _check_blocks(log: Log, size: int) -> None:
    if entries := log.blocks.differing(size):
        message = f"the search index in {log.blocks} does not say of them what their lines say. Remove it."
        raise VerificationError("index", f"entries {entries[0]} to {entries[-1]}: {message}", entries[0])


def _check_attachments(log: Log) -> None:
    """A value beside the log may have been taken out, never changed: its hash is its name."""
    for hash_, nonce, value in log.store.attachments():
        # A value is its own end, too, if the nonce may be longer.
        if len(nonce) != NONCE or hashlib.sha256(nonce + value).digest() != hash_:
            raise VerificationError("changed", f"the value kept beside the log as {hash_.hex()} is another one.")


def _check_bounds(log: Log) -> None:
    """Nothing stands outside the tree. Bounds first, head second: both move in one transaction."""
    bounds, size = log.store.bounds(), log.head().size
    for seq in bounds:
        if seq is not None and not 0 <= seq < size:
            raise VerificationError("added", f"entry {seq} stands outside the log of {size} entries.", seq)
