"""Each organization's own tree: the leaves of its entries alone, in the log's order.

A checkpoint of it says how many entries the organization has, and their root: an export of the organization is complete
if it gives that. The trees follow the log, when they are asked for, by the lines that were signed, and trust nothing
else of it. They are kept beside the key, in a file of their own, which can be made anew from the log at any time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from indelible.errors import LogError, VerificationError
from indelible.merkle.checkpoint import Checkpoint, organization_origin
from indelible.merkle.key import Key
from indelible.merkle.tree import Frontier, leaf_hash
from indelible.signer.source import Source

BUSY_MS = 60_000  # another process may be following the whole log
SCHEMA = """
CREATE TABLE IF NOT EXISTS followed (only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER, frontier BLOB) STRICT;
CREATE TABLE IF NOT EXISTS organization (id TEXT PRIMARY KEY, size INTEGER, frontier BLOB) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO followed VALUES (1, 0, x'');
"""


class _Organization(msgspec.Struct):
    id: str


class _Line(msgspec.Struct):
    organization: _Organization | None = None


_organization_of = msgspec.json.Decoder(_Line).decode


class Organizations:
    """The trees of one log, as far as it was followed."""

    def __init__(self, path: Path, key: Key) -> None:
        self._path = path
        self._key = key
        self._lock = threading.Lock()

    def sign(self, source: Source, newest: Callable[[], Checkpoint], organization: str) -> tuple[int, str]:
        """The size of the log that was signed, and the signed note of an organization's tree among that.

        Raises VerificationError if the lines are not those that were signed, LogError if the file cannot be used.
        """
        with self._writing() as db:
            signed = newest()  # asked here: it is not older than what another process has followed
            self._follow(db, source, signed)
            tree = _tree(db, organization)
        of_log = (f"log {signed.size}",)
        checkpoint = Checkpoint(organization_origin(signed.origin, organization), tree.size, tree.root(), of_log)
        return signed.size, checkpoint.sign(self._key)

    def _follow(self, db: apsw.Connection, source: Source, signed: Checkpoint) -> None:
        """All of it or nothing: what it leads to is compared with what was signed before anything is kept."""
        ((size, packed),) = db.execute("SELECT size, frontier FROM followed").fetchall()
        whole, trees = Frontier.unpack(int(str(size)), bytes(packed)), dict[str, Frontier]()  # type: ignore[arg-type]  # a BLOB
        for _, _, line in source.leaves(whole.size, signed.size):
            hash_ = leaf_hash(line)
            whole.append(hash_)
            if (found := _organization_of(line).organization) is not None:
                if found.id not in trees:
                    trees[found.id] = _tree(db, found.id)
                trees[found.id].append(hash_)
        if (whole.size, whole.root()) != (signed.size, signed.root):
            raise VerificationError("changed", f"the lines up to {signed.size} are not those that were signed.")
        db.execute("UPDATE followed SET size = ?, frontier = ?", (whole.size, whole.pack()))
        rows = [(id_, tree.size, tree.pack()) for id_, tree in trees.items()]
        db.executemany("INSERT OR REPLACE INTO organization VALUES (?, ?, ?)", rows)

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """A crash leaves the file as it was. One that is damaged may be deleted."""
        try:
            with self._lock:
                self._path.touch(0o600)
                db = apsw.Connection(str(self._path))
                try:
                    db.set_busy_timeout(BUSY_MS)
                    db.execute("BEGIN IMMEDIATE")
                    db.execute(SCHEMA)
                    yield db
                    db.execute("COMMIT")
                finally:
                    db.close()
        except (apsw.Error, OSError, ValueError, msgspec.DecodeError) as error:
            raise LogError(
                f"The organizations' trees in {self._path} cannot be used: {error}. Delete the file: it is made anew."
            ) from error


def _tree(db: apsw.Connection, organization: str) -> Frontier:
    found = db.execute("SELECT size, frontier FROM organization WHERE id = ?", (organization,)).fetchall()
    return Frontier.unpack(int(str(found[0][0])), bytes(found[0][1])) if found else Frontier()  # type: ignore[arg-type]  # a BLOB
