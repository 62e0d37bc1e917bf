"""The log: the only reader and writer of entries, tree and checkpoints.

captured -> sealed -> signed -> published
            `append`  `sign`    whoever calls `checkpoint`
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Self
from uuid import UUID

import msgspec

from indelible import event
from indelible.errors import LogError, NotFoundError, TakenError, UsageError, VerificationError
from indelible.event import Actor, Context, Entity, Entry, Event, derive_id
from indelible.group import Batch, Group, Placed
from indelible.index.blocks import Blocks
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Verifier
from indelible.merkle.keyring import KeyChange, Keyring
from indelible.merkle.note import signature_lines
from indelible.merkle.tile import subtree
from indelible.merkle.tlog_proof import TlogProof
from indelible.merkle.tree import EMPTY_ROOT
from indelible.prover import Prover
from indelible.signer import Signer, last_signed
from indelible.signer.keys import given
from indelible.store.place import Place, place_of
from indelible.store.promise import Appending, Head, Store
from indelible.store.spellings import Spellings

MAKING_SECONDS = 5.0  # for another process to finish what it began, and for a replica to hear of it


class Log:
    """An open log. Close it, or use it in a `with`."""

    def __init__(self, store: Store, signer: Signer | None) -> None:
        self.store = store
        self.blocks = Blocks(store)
        self.spellings = Spellings(store)
        self.replica = self  # what searches read: another copy of the log, where there is one
        self._signer = signer
        self._group = Group(self._seal, self.sign)
        self._followers: list[Callable[[], None]] = []  # made anew with each change: `sign` walks it unlocked
        self._following = Lock()

    @classmethod
    def create(cls, url: str, origin: str | None = None) -> Self:
        """Make the log and its key. `origin` names the log in checkpoints; random if not given.

        The key comes first: a crash in between leaves a key that signed nothing.
        Raises UsageError for a URL that is none, LogError if the log exists or cannot be made, NotFoundError if it was
        there and is gone.
        """
        place = place_of(url)
        if place.exists():
            raise LogError(f"{place} exists already. Choose another name, or use it as it is.")
        verifier = _new_key(place, origin).verifier
        place.create({"origin": verifier.name, "verifier": str(verifier)})
        return cls.open(url)

    @classmethod
    def open(cls, url: str, *, sign: bool = True) -> Self:
        """Open a log; with `sign=False` the key is not needed, to read it, or to seal what somebody else signs.

        Raises NotFoundError, LogError, MalformedError.
        """
        store = place_of(url).open()
        try:
            _check_properties(store)
            return cls(store, _signer_of(store) if sign else None)
        except BaseException:
            store.close()
            raise

    @classmethod
    def open_or_create(cls, url: str) -> Self:
        """Several processes may begin at once: one makes the log, its key first, and the others open that.

        Raises what `create` and `open` do.
        """
        place, until = place_of(url), time.monotonic() + MAKING_SECONDS
        while not place.exists():
            try:
                return cls.create(url)
            except LogError:
                if not place.exists() and time.monotonic() > until:
                    raise
                time.sleep(0.02)
        return cls.open(url)

    def search_in(self, url: str) -> None:
        """Have searches read a copy of this log, as a database's replica is, that may be moments behind.

        What was just made, or brought up to date, may not have reached it.
        Raises NotFoundError, LogError if it is not this log.
        """
        replica = self._copy(url)
        if replica.origin != self.origin:
            replica.close()
            raise LogError(f"{replica.store} is {replica.origin}, and not a copy of {self.origin}.")
        self.replica = replica

    def _copy(self, url: str) -> Self:
        until = time.monotonic() + MAKING_SECONDS
        while True:
            try:
                return type(self).open(url, sign=False)
            except (NotFoundError, LogError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        self.store.close()
        if self.replica is not self:
            self.replica.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def origin(self) -> str:
        return self.store.properties["origin"]

    @property
    def keys(self) -> Keyring:
        """The public keys as the log tells them. Who trusts nobody pins the copy that `init` printed."""
        return Keyring(Verifier.parse(self.store.properties["verifier"]), self.store.key_changes())

    @property
    def verifier(self) -> Verifier:
        """The key that signs now."""
        return self.keys.current

    @contextmanager
    def appending(self) -> Iterator[Appending]:
        """One transaction on the log; see `Store.appending`, the commit point.

        Raises VerificationError, with nothing added, where the log has less than was signed: entries of ours in the
        place of those that are missing would hide what happened to it.
        """
        with self.store.appending() as appending:
            if self._signer is not None:
                self._signer.refuse_older(appending.size)
            yield appending

    def append(self, events: Iterable[Event]) -> list[int]:
        """Seal and sign events; gives their sequence numbers. All of them are sealed or none.

        Threads that append at once share a transaction. Raises EventError, LogError or, from `appending`,
        VerificationError before the commit; VerificationError or LogError from `sign` after it: then they are sealed,
        not signed, and are not to be appended again. Without the key nothing is sealed; `appending` does that.
        """
        self._key()
        return [place.seq for place in self._group.append(Batch(list(events)))]

    def append_once(
        self, events: Iterable[Event], same: Callable[[Entry | Event, Event], bool] = lambda *_: True
    ) -> list[Placed]:
        """Likewise; but an event whose id is in the log already is not added again: its place is given.

        So what was sent and not answered can be sent again. Raises TakenError, with nothing recorded, where what has
        the id is not the `same`.
        """
        self._key()
        return self._group.append(Batch(list(events), same))

    def _seal(self, batches: Sequence[Batch]) -> list[list[Placed]]:
        with self.appending() as appending:
            return [self._add(appending, batch) for batch in batches]

    def _add(self, appending: Appending, batch: Batch) -> list[Placed]:
        if batch.same is None:
            return [Placed(appending.add(each), new=True) for each in batch.events]
        known = appending.known([each.id for each in batch.events])
        placed, mine = [], dict[UUID, Event]()
        for each in batch.events:
            there = known.get(each.id)
            if there is not None and not batch.same(mine.get(each.id) or self.entry(there), each):
                raise TakenError
            if there is None:
                known[each.id], mine[each.id] = appending.add(each), each
            placed.append(Placed(known[each.id], there is None))
        return placed

    def sign(self) -> int:
        """Sign the committed head, if it grew, and keep the note; gives the signed size.

        Raises VerificationError when the log does not extend what was signed before.
        """
        signer, newest = self._key(), self.store.newest_checkpoint()
        size, note = signer.sign(self.store)
        if newest is None or newest[0] < size:
            self.store.add_checkpoint(size, note)
            self._tell()
        return size

    def _key(self) -> Signer:
        if self._signer is None:
            raise LogError("This log was opened without its key. Open it with sign=True.")
        return self._signer

    def _tell(self) -> None:
        for tell in self._followers:
            tell()

    @contextmanager
    def followed(self, tell: Callable[[], None]) -> Iterator[None]:
        """`tell` is called after each checkpoint that this process makes, by whoever made it: it must not wait.

        On PostgreSQL after those of other processes, too, as far as one hears of them.
        """
        with self._following:
            self._followers = [*self._followers, tell]
        self.store.tell(self._tell)  # behind that: it begins with telling what came before
        try:
            yield
        finally:
            with self._following:
                self._followers = [each for each in self._followers if each is not tell]

    def head(self) -> Head:
        return self.store.head()

    def checkpoint(self) -> str | None:
        """The newest signed note, with the witnesses' lines that it has; None before the first."""
        newest = self.store.newest_checkpoint()
        return newest and newest[1] + signature_lines(self.store.cosigned(newest[0]))

    def organization_checkpoint(self, organization: str) -> tuple[int, str]:
        """The signed note of an organization's own tree, and the size of the log among which it was made.

        Of all that is signed; without the key the newest that was made. Raises NotFoundError if there is none,
        VerificationError or LogError as `sign` does.
        """
        if self._signer is not None:
            size, note = self._signer.sign_organization(self.store, organization)
            self.store.add_organization_checkpoint(organization, size, note)
            return size, note
        kept = self.store.newest_organization_checkpoint(organization)
        if kept is None:
            raise NotFoundError(
                f"No checkpoint of the organization {organization!r} was made yet. Ask for it where the key is."
            )
        return kept

    def change_key(self, good: int | None = None) -> KeyChange:
        """A new signing key; both keys sign the change, which is an entry. `good`: revoke the old one from there on.

        Raises LogError, UsageError, VerificationError.
        """
        signer = self._key()
        self.sign()  # what is there was signed by the old key
        change = signer.change(self.store, good)
        self.append([_changed(self.origin, change)])
        return change

    def signed_size(self) -> int:
        newest = self.store.newest_checkpoint()
        return newest[0] if newest else 0

    def last_signed(self) -> Checkpoint | None:
        """What the signer beside the log remembers to have signed last; None where its memory is not there."""
        return last_signed(self.store.key_path, self.origin)

    def line(self, seq: int) -> bytes:
        """The exact bytes of one entry. Raises NotFoundError."""
        line = self.store.line(seq) if 0 <= seq < 2**63 else None
        if line is None:
            raise NotFoundError(f"The log has no entry {seq}; the newest is {self.head().size - 1}.")
        return line

    def entry(self, seq: int) -> Entry:
        return event.read(self.line(seq))

    def proof(self, seq: int) -> TlogProof:
        """That one entry is in the log that was signed last, the line in it as its extra data.

        It is tried before it is given. Raises NotFoundError for what is not signed, VerificationError where the log is
        not what was signed.
        """
        prover = self.prover()
        if not 0 <= seq < prover.size:
            raise NotFoundError(f"Entry {seq} is not among the {prover.size} that are signed.")
        return prover.proof(seq, self.line(seq))

    def prover(self, upto: int | None = None) -> Prover:
        """For proofs of many entries, all of the checkpoint that is the newest now, or was at that size."""
        return Prover(self.store, self.keys, upto)

    def tree(self, size: int) -> Checkpoint:
        """What a checkpoint of this size would say now, by the hashes that are kept. Raises NotFoundError."""
        if not 0 <= size <= (there := self.head().size):
            raise NotFoundError(f"The log has {there} entries; there is no tree of {size}.")
        root = subtree(range(size), self.store.nodes) if size else EMPTY_ROOT
        return Checkpoint(self.origin, size, root)

    def knows(self, id_: UUID, below: int) -> bool:
        """Whether an event of this id is sealed, among the first `below` entries."""
        return self.store.knows(id_, below)

    def attached(self, hash_: str) -> Any:
        """A large value that stands beside the log, as it was spelled, by the hash in its entry; None if it is gone.

        Raises UsageError for what is no hash.
        """
        try:
            found = self.store.attached(bytes.fromhex(hash_))
        except ValueError as error:
            raise UsageError(f"{hash_[:80]!r} is no hash: it has 64 digits of base 16.") from error
        return None if found is None else msgspec.json.decode(found)

    def leaves(self, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
        """(seq, hash, line) of start <= seq < stop."""
        return self.store.leaves(start, stop)


def _check_properties(store: Store) -> None:
    if lost := {"origin", "verifier"} - store.properties.keys():
        raise VerificationError("changed", f"{store} has lost its {min(lost)}. Restore the newest copy.")


def _changed(origin: str, change: KeyChange) -> Event:
    now, revoked = datetime.now(UTC), change.good < change.size
    return Event(
        action="AUDIT_KEY_REVOKED" if revoked else "AUDIT_KEY_ROTATED",
        operation="update",
        entity=Entity("Log", origin, origin),
        occurred_at=now,
        actor=Actor.system("keys"),
        id=derive_id(now, secrets.token_hex(16)),
        changes={"verifier": {"old": str(change.old), "new": str(change.new)}},
        context=Context(source="indelible"),
        metadata={"good": change.good} if revoked else {},
    )


def _new_key(place: Place, origin: str | None) -> Signer:
    """One that is there and signed nothing is left of a try that failed, and used.

    Where something was signed there was a log. Raises NotFoundError for one that is gone.
    """
    has = given()
    name = origin or (has.verifier.name if has else f"indelible/{secrets.token_hex(6)}")
    path = place.key_path(name)
    state = path.with_name(path.name + ".state")
    if state.exists() and not place.exists():  # in this order: another process may make it now, and sign it then
        raise NotFoundError(
            f"{place} is missing: {state} remembers that it was signed. Restore its newest copy. A new log needs "
            f"another name, or {path} and what stands beside it to be moved away."
        )
    if not path.exists():
        return Signer.create(path, name)
    signer = Signer(path)
    if origin not in (None, signer.verifier.name):
        raise LogError(f"The key {path} is there already, for {signer.verifier.name}. Move it away, or drop --origin.")
    return signer


def _signer_of(store: Store) -> Signer:
    signer = Signer(store.key_path)
    signer.follow(store)
    current = Keyring(Verifier.parse(store.properties["verifier"]), store.key_changes()).current
    if signer.verifier != current:
        raise LogError(
            f"The key {store.key_path} is {signer.verifier}; {store} was made with another. Restore its key."
        )
    return signer
