"""The log with what proves it: a ZIP file that an auditor verifies with the one program in it, or their own.

Of the whole log, or of one organization: its entries are all that it had, by the checkpoint of its own tree.

    entries.jsonl   the lines, as they were hashed          hashes       the hash of each, 32 bytes
    checkpoint      the signed note over them                verify.py    reads these, and a key
    keys            changes of the log's key, if any         README.txt   how to

The key is not in it: from whoever gives the files, it would prove nothing.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import IO, NamedTuple

from indelible.errors import NotFoundError, VerificationError
from indelible.export.alone import CHECKPOINT, ENTRIES, HASHES, KEYS
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.search.page import lines
from indelible.search.query import Query

README = """The audit log {origin}, {size} entries, as it was signed.

To verify it, with Python 3.11 or newer and `pip install cryptography`:

    python verify.py --key KEY

KEY is the verifier key that was given to you when the log was made. It is not here: a key that comes with the files
proves nothing. Read verify.py before you run it; it is short. Or write your own: its first lines say what is checked.
"""


class _Proved(NamedTuple):
    """What is written, and what it is to come to. `lines` may be read again and again."""

    note: str
    checkpoint: Checkpoint
    lines: Callable[[], Iterator[bytes]]


def write_bundle(log: Log, file: IO[bytes], organization: str | None = None) -> int:
    """Write all that is signed, or all of that which is an organization's; gives the number of entries.

    Raises NotFoundError if nothing is signed, VerificationError if the lines are not those that were.
    """
    proved = _whole(log) if organization is None else _of_organization(log, organization)
    origin, size = proved.checkpoint.origin, proved.checkpoint.size
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", README.format(origin=origin, size=size))
        bundle.writestr("verify.py", files("indelible.export").joinpath("alone.py").read_text())
        bundle.writestr(CHECKPOINT, proved.note)
        bundle.writestr(KEYS, json.dumps(log.store.key_changes()))
        _stream(bundle, ENTRIES, (line + b"\n" for line in proved.lines()))
        _stream(bundle, HASHES, _hashes(proved))
    return size


def _whole(log: Log) -> _Proved:
    size, note = log.store.newest_checkpoint() or (0, None)
    if note is None:
        raise NotFoundError("Nothing is signed yet. The first entry makes a checkpoint: indelible seal APP LOG")
    return _Proved(note, log.keys.open(note), lambda: (line for _, _, line in log.leaves(0, size)))


def _of_organization(log: Log, organization: str) -> _Proved:
    size, note = log.organization_checkpoint(organization)
    checkpoint, _ = log.keys.open_organization(note, organization)
    return _Proved(note, checkpoint, lambda: lines(log, Query(), organization=organization, end=size))


def _hashes(proved: _Proved) -> Iterator[bytes]:
    """Of the lines, which the index has found: nobody is given a bundle that proves nothing."""
    tree, signed = Frontier(), proved.checkpoint
    for line in proved.lines():
        hash_ = leaf_hash(line)
        tree.append(hash_)
        yield hash_
    if (tree.size, tree.root()) != (signed.size, signed.root):
        message = f"{tree.size} entries are found, and they are not the {signed.size} that were signed."
        raise VerificationError("changed", f"{message} Find out which: indelible verify LOG")


def _stream(bundle: zipfile.ZipFile, name: str, pieces: Iterator[bytes]) -> None:
    with bundle.open(name, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
