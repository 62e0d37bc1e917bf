"""What was verified before, for each key: the next time, the log must extend it.

A note that left the machine does the same, for whoever kept one. This keeps one by itself, in the home of whoever
verifies: who rewrites the log with its key has to get at that, too.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from indelible.errors import LogError
from indelible.files import beside, locked, sync
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.tree import HASH_SIZE


class _Verified(msgspec.Struct):
    verifier: str
    size: int
    root: bytes


def folder() -> Path:
    """`INDELIBLE_MEMORY`, or where this user's programs keep their state."""
    chosen = os.environ.get("INDELIBLE_MEMORY")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(chosen) if chosen else Path(state) / "indelible" / "verified"


def recall(verifier: Verifier, origin: str = "") -> Checkpoint | None:
    """The largest tree of this origin (the log's, if none is said) verified with this key; None if there was none.

    Raises LogError if the file is damaged.
    """
    path = _path(verifier, origin)
    try:
        return _read(path.read_bytes(), verifier)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise LogError(
            f"What was verified before cannot be read from {path}: {error}. Take the file away to begin anew; a log "
            "that was rewritten since is not found then."
        ) from error


def _read(data: bytes, verifier: Verifier) -> Checkpoint:
    found = msgspec.json.decode(data, type=_Verified)
    if found.verifier != str(verifier) or found.size < 0 or len(found.root) != HASH_SIZE:
        raise ValueError("it is of another key, or of no tree")
    return Checkpoint(verifier.name, found.size, found.root)


def remember(verifier: Verifier, size: int, root: bytes, origin: str = "") -> None:
    """Whole or not at all; a larger tree that is known stays: another process may have verified that meanwhile.

    Raises LogError if what is there is damaged, or it cannot be written.
    """
    path = _path(verifier, origin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            known = recall(verifier, origin)
            if known is None or known.size < size:
                _write(path, _Verified(str(verifier), size, root))
    except OSError as error:
        raise LogError(
            f"What was verified cannot be kept in {path}: {error.strerror}. Set INDELIBLE_MEMORY to a folder of yours."
        ) from error


def _write(path: Path, verified: _Verified) -> None:
    with beside(path) as made:
        made.write_bytes(msgspec.json.encode(verified))
        sync(made)
        made.replace(path)
    sync(path.parent)


def _path(verifier: Verifier, origin: str) -> Path:
    """An organization's tree has an origin of its own."""
    name = f"{verifier}" if origin in ("", verifier.name) else f"{verifier}\n{origin}"
    return folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
