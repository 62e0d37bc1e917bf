"""What an exported file is said to be: of which log and search, how many entries, its hash, and the checkpoint then.

The checkpoint is signed; the rest is what the program says. Who wants proof takes a bundle (`--proof`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from indelible.event import rfc3339


class Counting:
    """Counts entries on their way into a format, and hashes the file on its way out."""

    def __init__(self, *, hashes: bool) -> None:
        """`hashes`: a manifest is wanted, of which that is half the work."""
        self.entries = 0
        self.bytes = 0
        self._hash = hashlib.sha256() if hashes else None

    def batches(self, batches: Iterable[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
        for lines in batches:
            self.entries += len(lines)
            yield lines

    def chunks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._hash is not None:
                self._hash.update(chunk)
            self.bytes += len(chunk)
            yield chunk

    def manifest(self, origin: str, checkpoint: str | None, end: int, asked: dict[str, Any]) -> bytes:
        """Where it was to hash."""
        sha256 = self._hash.hexdigest() if self._hash else ""
        return manifest(origin, checkpoint, end, asked, entries=self.entries, size=self.bytes, sha256=sha256)


def manifest(  # noqa: PLR0913 - a manifest is just these
    origin: str, checkpoint: str | None, end: int | None, asked: dict[str, Any], *, entries: int, size: int, sha256: str
) -> bytes:
    """`end`: entries the log had when the export began; `asked`: what was searched for. UTF-8 JSON."""
    told = {
        "log": origin,
        "exported_at": rfc3339(datetime.now(UTC)),
        **{name: value for name, value in asked.items() if value},
        **({} if end is None else {"among": end}),
        "entries": entries,
        "bytes": size,
        "sha256": sha256,
        **({} if end is None else {"checkpoint": checkpoint}),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"
