"""Files that are there whole or not at all, whatever is killed and whenever; and what to do where one refuses."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

LOG, WORK = 0x494E4445, 0x494E4457  # "INDE", "INDW": the application_id of our own SQLite files
_RIGHTS = "Check that this user may read and write the file and its folder."
_REMEDIES = {  # by the result code: PERM, BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN
    3: _RIGHTS, 5: "Try again.", 6: "Try again.", 8: _RIGHTS, 10: "Look at the disk.", 13: "Make room on the disk.",
    14: _RIGHTS,
}  # fmt: skip


def remedy(code: int) -> str:
    """What to do, by the result code of either SQLite; nothing where that tells nothing."""
    return _REMEDIES.get(code & 0xFF, "")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new empty file in the same folder, 0600; gone at the end unless it was renamed. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    made = Path(name)
    try:
        yield made
    finally:
        made.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock dies with its holder. Where a share has none, all go on. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)  # the folder itself: no file is left in it
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """A file's bytes, or a folder's names, are on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def statements(package: str, file: str) -> dict[str, str]:
    """The statements of an SQL file, by the name in the comment above each: `-- name: head`."""
    text = resources.files(package).joinpath(file).read_text()
    _, *parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: _bare(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _bare(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))
