"""The whole log with what proves it: a ZIP file that an auditor verifies with the one program in it, or their own.

    entries.jsonl   the lines, as they were hashed          hashes       the hash of each, 32 bytes
    checkpoint      the signed note over them                verify.py    reads these, and a key
    README.txt      how to

The key is not in it: from whoever gives the files, it would prove nothing.
"""

import zipfile
from collections.abc import Iterator
from importlib.resources import files
from typing import IO

from indelible.errors import NotFoundError
from indelible.export.alone import CHECKPOINT, ENTRIES, HASHES
from indelible.log import Log

README = """The audit log {origin}, {size} entries, as it was signed.

To verify it, with Python 3.11 or newer and `pip install cryptography`:

    python verify.py --key KEY

KEY is the verifier key that was given to you when the log was made. It is not here: a key that comes with the files
proves nothing. Read verify.py before you run it; it is short. Or write your own: its first lines say what is checked.
"""


def write_bundle(log: Log, file: IO[bytes]) -> int:
    """Write all that is signed; gives the number of entries. Raises NotFoundError if nothing is."""
    newest = log.store.newest_checkpoint()
    if newest is None:
        raise NotFoundError("Nothing is signed yet. The first entry makes a checkpoint: indelible seal APP LOG")
    size, note = newest
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", README.format(origin=log.origin, size=size))
        bundle.writestr("verify.py", files("indelible.export").joinpath("alone.py").read_text())
        bundle.writestr(CHECKPOINT, note)
        _stream(bundle, ENTRIES, (line + b"\n" for _, _, line in log.leaves(0, size)))
        _stream(bundle, HASHES, (hash_ for _, hash_, _ in log.leaves(0, size)))
    return size


def _stream(bundle: zipfile.ZipFile, name: str, pieces: Iterator[bytes]) -> None:
    with bundle.open(name, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
