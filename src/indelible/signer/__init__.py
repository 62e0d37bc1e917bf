"""Signs the log's heads, and only heads that extend what it signed before.

Two files, both 0600: the key, and beside it the state: origin, size and frontier of the last head signed.
The signer trusts nobody: it reads the new lines, hashes them onto its own frontier and signs if that gives
the head the log claims. A log restored from an old copy, or rewritten, is refused, not signed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from indelible.errors import LogError, NotFoundError, VerificationError
from indelible.files import beside, sync
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import SigningKey, Verifier
from indelible.merkle.tree import EMPTY_ROOT, Frontier, leaf_hash
from indelible.signer.organizations import Organizations
from indelible.signer.source import Head, Source


class _State(msgspec.Struct):
    origin: str
    size: int
    frontier: bytes


def last_signed(key_path: Path, origin: str) -> Checkpoint | None:
    """What the signer beside a log remembers; None where there is none. For `verify`: it needs no key to be read."""
    frontier = _recall(_state_path(key_path), origin)
    return None if frontier is None else Checkpoint(origin, frontier.size, frontier.root())


def _state_path(key_path: Path) -> Path:
    return key_path.with_name(key_path.name + ".state")


def _recall(path: Path, origin: str) -> Frontier | None:
    try:
        state = msgspec.json.decode(path.read_bytes(), type=_State)
        if state.origin == origin:
            return Frontier.unpack(state.size, state.frontier)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogError(f"The signer's state {path} cannot be read: {error.strerror}. Run as its owner.") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise LogError(
            f"The signer's state {path} is damaged: {error}. Run `indelible verify`, then delete it."
        ) from error
    raise LogError(f"The signer's state {path} is of {state.origin}; the key is for {origin}. Pair them again.")


class Signer:
    """A key file and its memory."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without the key file, MalformedError if it is damaged."""
        if not path.is_file():
            raise NotFoundError(
                f"The signing key {path} is missing. Restore it from your copy; the log cannot be signed without it."
            )
        self._path = path
        try:
            self._key = SigningKey.parse(path.read_text(errors="replace"))
        except OSError as error:
            raise LogError(f"The signing key {path} cannot be read: {error.strerror}. Run as its owner.") from error
        self._state_path = _state_path(path)
        self._organizations = Organizations(path.with_name(path.name + ".organizations"), self._key)

    @classmethod
    def create(cls, path: Path, origin: str) -> "Signer":
        """Make a key for the log `origin`. Raises LogError if a key is there: it is never overwritten."""
        key = SigningKey.generate(origin)
        try:
            with beside(path) as made:
                made.write_text(key.export() + "\n")
                sync(made)
                os.link(made, path)  # whole or not at all, and never over another
        except FileExistsError as error:
            raise LogError(
                f"The key file {path} exists already. Move it away, or use the log that it signs."
            ) from error
        except OSError as error:
            raise LogError(f"The key file {path} cannot be written: {error.strerror}.") from error
        return cls(path)

    @property
    def verifier(self) -> Verifier:
        return self._key.verifier

    def sign(self, store: Source) -> tuple[int, str]:
        """The size and signed note of the log's head, as committed.

        The state is on disk before the note leaves this function: after a crash in between, the same head
        is signed again, to the same bytes. Raises VerificationError if the log went backwards or sideways.
        """
        with self._exclusive():
            head = store.head()
            frontier = self._extend(store, head)
            self._remember(frontier)
            checkpoint = Checkpoint(self._key.name, frontier.size, frontier.root())
            return frontier.size, checkpoint.sign(self._key)

    def sign_organization(self, store: Source, organization: str) -> tuple[int, str]:
        """What was signed of the log, and the note of an organization's tree among that: see `Organizations`.

        The log itself is to be signed first. Raises VerificationError, LogError.
        """
        nothing = Checkpoint(self._key.name, 0, EMPTY_ROOT)
        return self._organizations.sign(store, lambda: self._newest(store) or nothing, organization)

    def _extend(self, store: Source, head: Head) -> Frontier:
        frontier = self._recall()
        if head.size < frontier.size:
            raise VerificationError(
                "rolled back",
                f"the log has {head.size} entries, and {frontier.size} were signed. It was restored from an old "
                "copy or cut. Restore the newest copy; it is not signed until then.",
            )
        signed = self._newest(store)
        self._compare(frontier, signed)
        for _, _, line in store.leaves(frontier.size, head.size):
            frontier.append(leaf_hash(line))
            self._compare(frontier, signed)
        self._compare(frontier, Checkpoint(self._key.name, head.size, head.root))
        if frontier.size != head.size or (signed and signed.size > head.size):
            raise VerificationError("truncated", f"the log claims {head.size} entries and holds {frontier.size}.")
        return frontier

    def _newest(self, store: Source) -> Checkpoint | None:
        """What the log itself shows as signed: the floor when the state file is gone."""
        newest = store.newest_checkpoint()
        return newest and Checkpoint.open(newest[1], self.verifier)

    @staticmethod
    def _compare(frontier: Frontier, signed: Checkpoint | None) -> None:
        if signed and signed.size == frontier.size and signed.root != frontier.root():
            raise VerificationError(
                "forked",
                f"the lines up to {signed.size} do not give the root that was signed or committed for them. "
                "Run `indelible verify` to find the entry; the log is not signed until then.",
            )

    def _recall(self) -> Frontier:
        """The last head signed. Without a state file (a key moved to a new machine) every line is hashed anew."""
        frontier = _recall(self._state_path, self._key.name)
        return Frontier() if frontier is None else frontier

    def _remember(self, frontier: Frontier) -> None:
        """Write beside, sync, rename, sync the folder: a crash leaves the old state or the new one."""
        state = msgspec.json.encode(_State(self._key.name, frontier.size, frontier.pack()))
        try:
            if self._state_path.exists() and self._state_path.read_bytes() == state:
                return
            made = self._state_path.with_name(self._state_path.name + ".new")  # ours alone, under the lock
            made.touch(0o600)
            made.write_bytes(state)
            sync(made)
            made.replace(self._state_path)
            sync(self._state_path.parent)
        except OSError as error:
            raise LogError(f"The signer's state {self._state_path} cannot be written: {error.strerror}.") from error

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One signer at a time, across processes; the lock dies with its holder."""
        try:
            file = self._path.open()
        except OSError as error:
            raise LogError(f"The signing key {self._path} cannot be read: {error.strerror}. Put it back.") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
