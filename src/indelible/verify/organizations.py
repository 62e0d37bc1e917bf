"""Organizations' own checkpoints, held against the lines: each is of all entries that the organization had."""

from collections.abc import Callable, Iterable, Iterator

from indelible.errors import MalformedError, VerificationError
from indelible.event import Entry
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.keyring import Keyring
from indelible.merkle.tree import Frontier


class OrganizationTrees:
    """Built anew, of the organizations for which something was signed."""

    def __init__(self, notes: Callable[[], Iterable[tuple[str, int, str]]], keys: Keyring) -> None:
        """`notes` gives them as a store does, by the log's size; more than once."""
        self._keys = keys
        self._trees: dict[str, Frontier] = {}
        last = 0
        for organization, last, _ in notes():  # noqa: B007 - the last is the largest
            self._trees[organization] = Frontier()
        self._ahead = self._until(last, notes())
        self._next = next(self._ahead, None)
        self.compare(0)

    def add(self, entry: Entry, hash_: bytes) -> None:
        """The next entry of the log, and the hash of its line."""
        if entry.organization and (tree := self._trees.get(entry.organization.id)) is not None:
            tree.append(hash_)
        self.compare(entry.seq + 1)

    def _until(self, last: int, notes: Iterable[tuple[str, int, str]]) -> Iterator[tuple[int, str, Checkpoint]]:
        """One at a time; what is signed while this goes on is for the next time."""
        for organization, filed, note in notes:
            if filed > last:
                return
            if organization in self._trees:
                yield filed, organization, _opened(note, self._keys, organization, filed)

    def compare(self, size: int) -> None:
        while self._next is not None and self._next[0] == size:
            _, organization, checkpoint = self._next
            tree = self._trees[organization]
            if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
                raise VerificationError(
                    "changed",
                    f"the organization {organization!r} has {tree.size} of the first {size} entries, which are not the "
                    f"{checkpoint.size} that its checkpoint signed.",
                )
            self._next = next(self._ahead, None)

    def finish(self, size: int) -> None:
        """After the last entry: nothing was signed for more."""
        if self._next is not None:
            signed = max(filed for filed, *_ in (self._next, *self._ahead))
            message = f"{signed} entries were signed for an organization, and {size} are there."
            raise VerificationError("truncated", message, size)


def _opened(note: str, keys: Keyring, organization: str, filed: int) -> Checkpoint:
    try:
        checkpoint, size = keys.open_organization(note, organization)
    except MalformedError as error:
        message = f"the checkpoint of {organization!r} does not open with the key {keys.pinned}: {error}"
        raise VerificationError("re-signed", message) from error
    if size != filed:
        raise VerificationError("changed", f"the checkpoint of {organization!r} of size {size} is filed under {filed}.")
    return checkpoint
