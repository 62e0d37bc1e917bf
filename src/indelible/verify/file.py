"""A JSON Lines export."""

from collections.abc import Iterator
from pathlib import Path

from indelible.errors import NotFoundError, VerificationError
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import Keyring
from indelible.verify.rebuilt import Progress, Rebuilt, Report, check_line, opened

BATCH = 1000


def verify_file(
    path: Path, verifier: Verifier, note: str, progress: Progress = lambda _: None, *, known: Checkpoint | None = None
) -> Report:
    """Check a JSON Lines export of a whole log against a signed checkpoint. `known`: what was verified before.

    Raises VerificationError.
    """
    checkpoint = opened(note, Keyring(verifier), "the checkpoint")
    tree = Rebuilt([checkpoint], [known])
    for seq, line in enumerate(_file_lines(path)):
        entry_seq = check_line(None, line).seq
        if entry_seq != seq:
            raise VerificationError(
                "missing", f"entry {seq} is not in the file; after {seq - 1} comes {entry_seq}. "
                "A filtered export cannot be held against a checkpoint of the whole log: export without a query.", seq,
            )  # fmt: skip
        tree.add(seq, line)
        if seq % BATCH == 0:
            progress(seq)
    tree.finish(copy=True)
    return Report(verifier.name, tree.frontier.size, checkpoint.size, tree.frontier.root())


def _file_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    raise VerificationError("truncated", f"the last line of {path} has no end: the file was cut.")
                yield line[:-1]
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from error
