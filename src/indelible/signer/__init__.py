"""Signs the log's heads, and only heads that extend what it signed before.

Two files, both 0600: the key, and beside it the state: origin, size and frontier of the last head signed.
The signer trusts nobody: it reads the new lines, hashes them onto its own frontier and signs if that gives
the head the log claims. A log restored from an old copy, or rewritten, is refused, not signed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from indelible.errors import LogError, UsageError, VerificationError
from indelible.files import sync
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Key, SigningKey, Verifier
from indelible.merkle.keyring import KeyChange, Keyring
from indelible.merkle.tree import EMPTY_ROOT, Frontier, leaf_hash
from indelible.signer.keys import given, load, read, write
from indelible.signer.organizations import Organizations
from indelible.signer.source import Head, Source

BATCH = 1000  # lines hashed together


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
            f"The signer's state {path} is damaged: {error}. Delete it, and verify the log with a checkpoint you kept."
        ) from error
    raise LogError(f"The signer's state {path} is of {state.origin}; the key is for {origin}. Pair them again.")


def _refuse_older(size: int, signed: int) -> None:
    if size < signed:
        raise VerificationError(
            "rolled back",
            f"the log has {size} entries, and {signed} were signed. It was restored from an old copy or cut. Restore "
            "the newest copy; nothing is added to it or signed until then.",
        )


class Signer:
    """A key, and the memory of what it has signed, which stands where the key's file is or would be."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError without a key, MalformedError if it is damaged, LogError if it cannot be had."""
        self._path = path
        self._use(load(path))
        self._state_path = _state_path(path)

    def _use(self, key: Key) -> None:
        self._key, self._filed = key, self._path.is_file()
        self._organizations = Organizations(self._beside("organizations"), key)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{suffix}")

    @classmethod
    def create(cls, path: Path, origin: str) -> "Signer":
        """A key for the log `origin`, or the one that the environment has. Raises LogError if a file is there."""
        key = given()
        if key is None:
            write(path, SigningKey.generate(origin))
        elif origin != key.verifier.name:
            raise LogError(f"The key of the environment is for {key.verifier.name}. Drop --origin, or the key.")
        return cls(path)

    @property
    def verifier(self) -> Verifier:
        return self._key.verifier

    def refuse_older(self, size: int) -> None:
        """Raises VerificationError for a log with fewer entries than were signed: it was cut, or is an older copy."""
        _refuse_older(size, self._recall().size)

    def sign(self, store: Source) -> tuple[int, str]:
        """The size and signed note of the log's head, as committed.

        The state is on disk before the note leaves this function: after a crash in between, the same head
        is signed again, to the same bytes. Raises VerificationError if the log went backwards or sideways.
        """
        with self._exclusive():
            self.follow(store)
            signed = self._newest(store)  # before the head: another process may append and sign in between
            frontier = self._extend(store, store.settled(), signed)
            self._remember(frontier)
            checkpoint = Checkpoint(self._key.verifier.name, frontier.size, frontier.root())
            return frontier.size, checkpoint.sign(self._key)

    def follow(self, store: Source) -> None:
        """Be the key that the log's changes have led to: another process may have changed it.

        A crash as it was changed left the new key beside the old one: it is put in its place now. Raises LogError.
        """
        changes = [KeyChange.open(note) for note in store.key_changes()]
        if not changes or changes[-1].new == self.verifier:
            return
        following = self._beside("next")
        if following.is_file() and read(following).verifier == changes[-1].new:
            self._promote(changes[-1])
        self._use(load(self._path))
        if changes[-1].new != self.verifier:
            raise LogError(f"The log's key was changed to {changes[-1].new}, and {self._path} has {self.verifier}.")

    def change(self, store: Source, good: int | None) -> KeyChange:
        """Make a new key; both sign that it follows. `good`: the old one is revoked, its word counts up to there.

        The note in the log is the commit point: before it the new key is nothing, after it `follow` puts it in place.
        Raises LogError, UsageError for a key that is not in a file, or a size that was not signed.
        """
        with self._exclusive():
            self.follow(store)
            size = store.head().size
            if not isinstance(self._key, SigningKey) or not self._path.is_file():
                raise UsageError("This log's key is not in a file. Change it where it is kept.")
            first = max((before.size for before in map(KeyChange.open, store.key_changes())), default=0)
            if good is not None and not first <= good <= size:
                said = f"The log has {size} entries, and its key signs from {first} on"
                raise UsageError(f"{said}; {good} is no size up to which it was good.")
            new, following = SigningKey.generate(self.verifier.name), self._beside("next")
            following.unlink(missing_ok=True)  # of a change that came to nothing
            write(following, new)
            change = KeyChange(size, size if good is None else good, self.verifier, new.verifier)
            store.add_key_change(len(store.key_changes()), change.sign(self._key, new))
            self.follow(store)
            return change

    def _promote(self, change: KeyChange) -> None:
        """The old key stays, under the size at which it ended."""
        try:
            if not (kept := self._beside(f"until-{change.size}")).exists():
                os.link(self._path, kept)
            self._beside("next").replace(self._path)  # there is a key at any moment
            sync(self._path.parent)
        except OSError as error:
            raise LogError(f"The new key cannot be put in its place, {self._path}: {error.strerror}.") from error

    def sign_organization(self, store: Source, organization: str) -> tuple[int, str]:
        """What was signed of the log, and the note of an organization's tree among that: see `Organizations`.

        The log itself is to be signed first. Raises VerificationError, LogError.
        """
        nothing = Checkpoint(self._key.verifier.name, 0, EMPTY_ROOT)
        return self._organizations.sign(store, lambda: self._newest(store) or nothing, organization)

    def _extend(self, store: Source, head: Head, signed: Checkpoint | None) -> Frontier:
        frontier = self._recall()
        _refuse_older(head.size, frontier.size)
        self._compare(frontier, signed)
        for stop in (min(signed.size if signed else 0, head.size), head.size):
            lines = (line for _, _, line in store.leaves(frontier.size, stop))
            while batch := [leaf_hash(line) for line in islice(lines, BATCH)]:
                frontier.extend(batch)
            if frontier.size < stop:  # before more is read: what was signed is compared at its size, or never
                raise VerificationError("truncated", f"of the first {stop} entries the log holds {frontier.size}.")
            self._compare(frontier, signed)
        self._compare(frontier, Checkpoint(self._key.verifier.name, head.size, head.root))
        if signed and signed.size > head.size:
            raise VerificationError("truncated", f"{signed.size} entries were signed; the log claims {head.size}.")
        return frontier

    def _newest(self, store: Source) -> Checkpoint | None:
        """What the log itself shows as signed: the floor when the state file is gone."""
        newest = store.newest_checkpoint()
        keys = Keyring(self.verifier, store.key_changes())
        return None if newest is None or keys.revoked(newest[1]) else keys.open(newest[1])

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
        frontier = _recall(self._state_path, self._key.verifier.name)
        return Frontier() if frontier is None else frontier

    def _remember(self, frontier: Frontier) -> None:
        """Write beside, sync, rename, sync the folder: a crash leaves the old state or the new one."""
        state = msgspec.json.encode(_State(self._key.verifier.name, frontier.size, frontier.pack()))
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
            file = self._beside("lock").open("a")
        except OSError as error:
            raise LogError(
                f"{self._beside('lock')} cannot be made: {error.strerror}. Run as its folder's owner."
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self._filed and not self._path.is_file():  # the next start would find none
                raise LogError(f"The signing key {self._path} is gone. Put it back.")
            yield
