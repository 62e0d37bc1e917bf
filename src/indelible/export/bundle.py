"""The log with what proves it: a ZIP file that an auditor verifies with the one program in it, or their own.

Of the whole log, or of one organization: its entries are all that it had, by the checkpoint of its own tree. Or of what
a search found: each entry by a proof of its own, and not a word about others.

    entries.jsonl   the lines, as they were hashed          hashes       the hash of each, 32 bytes
    checkpoint      the signed note over them                verify.py    reads these, and a key
    keys            changes of the log's key, if any         README.txt   how to
    proofs          in the place of hashes, of some entries

The key is not in it: from whoever gives the files, it would prove nothing.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import IO, NamedTuple

from indelible.errors import NotFoundError, VerificationError
from indelible.event import read
from indelible.export.alone import CHECKPOINT, ENTRIES, HASHES, KEYS, PROOFS
from indelible.log import Log
from indelible.merkle.b64 import encode
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.search.organizations import need_organization
from indelible.search.page import lines
from indelible.search.query import Query

README = """The audit log {origin}, {told}, as it was signed.

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


def write_bundle(log: Log, file: IO[bytes], organization: str | None = None, query: Query | None = None) -> int:
    """Write all that is signed, or all of that which is an organization's, or finds; gives the number of entries.

    Raises NotFoundError if nothing is signed, or of an organization that the log does not know; VerificationError if
    the lines are not those that were signed.
    """
    if organization is not None:
        need_organization(log, organization)
    if query is not None:
        return _write_some(log, file, organization, query)
    proved = _whole(log) if organization is None else _of_organization(log, organization)
    size = proved.checkpoint.size
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        _write_about(log, bundle, proved, f"{size} entries")
        _stream(bundle, ENTRIES, (line + b"\n" for line in proved.lines()))
        _stream(bundle, HASHES, _hashes(proved))
    return size


def _write_some(log: Log, file: IO[bytes], organization: str | None, query: Query) -> int:
    whole, count = _whole(log), 0
    size, prover = whole.checkpoint.size, log.prover(whole.checkpoint.size)

    def found() -> Iterator[bytes]:
        return lines(log, query, organization=organization, end=size)

    def proofs() -> Iterator[bytes]:
        nonlocal count
        for line in found():
            count += 1
            yield b" ".join(encode(each).encode() for each in prover.proof(read(line).seq, line).hashes) + b"\n"

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        _write_about(log, bundle, whole, f"some of {size} entries")
        _stream(bundle, ENTRIES, (line + b"\n" for line in found()))
        _stream(bundle, PROOFS, proofs())
    return count


def _write_about(log: Log, bundle: zipfile.ZipFile, proved: _Proved, told: str) -> None:
    bundle.writestr("README.txt", README.format(origin=proved.checkpoint.origin, told=told))
    bundle.writestr("verify.py", files("indelible.export").joinpath("alone.py").read_text())
    bundle.writestr(CHECKPOINT, proved.note)
    bundle.writestr(KEYS, json.dumps(log.store.key_changes()))


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
