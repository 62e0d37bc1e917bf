"""Which key signs a log's checkpoints from which size on: a change of key is a note that both keys have signed.

    indelible/key-change/v1
    audit.example/portal
    48213                                      the log's size at the change: the new key signs what is larger
    48213                                      the last size of which the old key's word is good
    audit.example/portal+e6d1c411+AQp7...      the old key
    audit.example/portal+1f0a93bd+AZx0...      the new key

    — audit.example/portal 5nHbEcq…
    — audit.example/portal Hwqu2Qe…

Where the last good size is smaller, the old key is revoked: what it signed beyond that counts for nothing. Whoever has
pinned any key of the chain follows it from there, forwards and backwards: each change is signed by the key they trust,
and made at a size for which that key's word is good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from indelible.errors import MalformedError
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import Key, Verifier
from indelible.merkle.note import open_note, split_note

HEADER = "indelible/key-change/v1"


@dataclass(frozen=True)
class KeyChange:
    """From `old` to `new`, at `size`; the old key is good up to `good`."""

    size: int
    good: int
    old: Verifier
    new: Verifier

    def __str__(self) -> str:
        return f"{HEADER}\n{self.old.name}\n{self.size}\n{self.good}\n{self.old}\n{self.new}\n"

    def sign(self, old: Key, new: Key) -> str:
        return f"{self}\n{old.line(str(self))}{new.line(str(self))}"

    @classmethod
    def open(cls, note: str) -> Self:
        """The change in a note that both its keys have signed. Raises MalformedError."""
        text, _ = split_note(note)
        try:
            _, _, size, good, old, new, _ = text.split("\n")
            change = cls(int(size), int(good), Verifier.parse(old), Verifier.parse(new))
        except ValueError:
            raise MalformedError(f"{text[:120]!r} is no change of a key.") from None
        if str(change) != text or change.old.name != change.new.name or not 0 <= change.good <= change.size:
            raise MalformedError(f"{text[:120]!r} is no change of a key of this format.")
        for verifier in (change.old, change.new):
            open_note(note, verifier)
        return change


class _Term(NamedTuple):
    """A key, and the sizes for which its word counts."""

    verifier: Verifier
    first: int
    last: int | None


class Keyring:
    """The keys of a log, by one that is pinned and the changes that the log shows."""

    def __init__(self, pinned: Verifier, changes: Iterable[str] = ()) -> None:
        """`changes`: notes, in their order. Raises MalformedError if they are no chain, or the pinned key not in it."""
        self.pinned = pinned
        self._terms = _terms(pinned, [KeyChange.open(note) for note in changes])

    @property
    def first(self) -> Verifier:
        return self._terms[0].verifier

    @property
    def current(self) -> Verifier:
        return self._terms[-1].verifier

    def open(self, note: str) -> Checkpoint:
        """The checkpoint of the log in a note by whichever key was to sign it. Raises MalformedError."""
        term = self._signer(note)
        checkpoint = Checkpoint.open(note, term.verifier)
        _check_term(term, checkpoint.size)
        return checkpoint

    def revoked(self, note: str) -> bool:
        """Whether it is by a key whose word does not count for its size."""
        try:
            self.open(note)
        except RevokedError:
            return True
        except MalformedError:
            return False
        return False

    def open_organization(self, note: str, organization: str) -> tuple[Checkpoint, int]:
        """Likewise, of an organization's tree; and the size of the log among which it was made."""
        term = self._signer(note)
        checkpoint, size = Checkpoint.open_organization(note, term.verifier, organization)
        _check_term(term, size)
        return checkpoint, size

    def _signer(self, note: str) -> _Term:
        _, signatures = split_note(note)
        found = [term for term in self._terms if any(each.by(term.verifier) for each in signatures)]
        if not found:
            raise MalformedError(f"The note carries no signature by {self.pinned}, nor by a key that it led to.")
        return found[-1]


def _terms(pinned: Verifier, changes: list[KeyChange]) -> list[_Term]:
    """Both keys of a change are known once one of them is; the pinned one begins."""
    if not changes:
        return [_Term(pinned, 0, None)]
    # What led to a key is vouched for by that key: by a revoked one only as far as its own word is good, or its thief
    # would lead to a key of theirs. `good` is no more than `size`, so that sizes do not go back either.
    if any(before.new != after.old or before.size > after.good for before, after in pairwise(changes)):
        raise MalformedError("The changes of the log's key are no chain: one is missing, or not in its place.")
    keys = [changes[0].old, *(change.new for change in changes)]
    if pinned not in keys:
        raise MalformedError(f"{pinned} is none of the keys that the log has had. Give the one that you were given.")
    firsts, lasts = [0, *(change.size for change in changes)], [*(change.good for change in changes), None]
    return [_Term(*term) for term in zip(keys, firsts, lasts, strict=True)]


def _check_term(term: _Term, size: int) -> None:
    if size < term.first or (term.last is not None and size > term.last):
        raise RevokedError(
            f"The key {term.verifier} signed {size} entries, and its word counts from {term.first} to {term.last}: "
            "it was changed or revoked then."
        )


class RevokedError(MalformedError):
    """A checkpoint by a key whose word does not count for this size."""
