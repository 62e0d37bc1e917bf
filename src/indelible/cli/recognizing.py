"""What a file is that cannot be verified, by how it begins: whoever gives it hears what to give instead."""

import re
from pathlib import Path

from indelible.errors import NotFoundError, UsageError
from indelible.export.csv import COLUMNS

_ANEW = "Export it as JSON Lines (indelible export LOG), or with what proves it (--proof -o FILE.zip)."
_LOG = "A log is verified by its URL: indelible verify sqlite:///{path}"
_KINDS = (
    (rb"SQLite format 3\0", f"a database. {_LOG}"),
    (rb"PK\x03\x04", "a ZIP file that is not whole, or no bundle. Fetch it again."),
    (rb"\[", f"a JSON array, of which nothing was signed. {_ANEW}"),
    (rb'\{\s+"log": ', "a manifest, which says what a file is said to be. Verify that file."),
    (rb'\{"(specversion|activity_id)":', f"entries in another shape than they were signed in. {_ANEW}"),
    (rb"[^\n]+\n\d+\n[A-Za-z0-9+/]{43}=\n", "a checkpoint. Verify with it: indelible verify LOG --checkpoint {path}"),
)
_LONG = 4096  # bytes that tell


def need_verifiable(path: Path, *, pinned: bool) -> None:
    """Raises NotFoundError for a file that is not there, UsageError for one that holds nothing that was signed.

    `pinned`: how many entries were signed is known, so that to be empty is to be cut.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(_LONG)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}. {_LOG.format(path=path)}") from None
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from error
    if not begins and not pinned:
        raise UsageError(f"{path} is empty: there is nothing to verify. Write it again.")
    if (kind := _kind(begins)) is not None:
        raise UsageError(f"{path} is {kind.format(path=path)}")


def _kind(begins: bytes) -> str | None:
    first = begins.partition(b"\n")[0].decode("utf-8-sig", "replace").strip()
    if set(re.split("[,;\t]", first.replace('"', ""))) <= set(COLUMNS):
        return f"CSV, of which nothing was signed. {_ANEW}"
    return next((said for pattern, said in _KINDS if re.match(pattern, begins)), None)
