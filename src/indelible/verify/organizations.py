"""Organizations' own checkpoints, held against the lines: each is of all entries that the organization had."""

from collections.abc import Iterable

from indelible.errors import MalformedError, VerificationError
from indelible.event import Entry
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.keyring import Keyring
from indelible.merkle.tree import Frontier


class OrganizationTrees:
    """Built anew, of the organizations for which something was signed."""

    def __init__(self, notes: Iterable[tuple[str, int, str]], keys: Keyring) -> None:
        """`notes` as a store gives them."""
        self._trees: dict[str, Frontier] = {}
        self._signed: dict[int, list[tuple[str, Checkpoint]]] = {}  # by the log's size
        for organization, filed, note in notes:
            checkpoint = _opened(note, keys, organization, filed)
            self._trees[organization] = Frontier()
            self._signed.setdefault(filed, []).append((organization, checkpoint))
        self.compare(0)

    def add(self, entry: Entry, hash_: bytes) -> None:
        """The next entry of the log, and the hash of its line."""
        if entry.organization and (tree := self._trees.get(entry.organization.id)) is not None:
            tree.append(hash_)
        self.compare(entry.seq + 1)

    def compare(self, size: int) -> None:
        for organization, checkpoint in self._signed.pop(size, ()):
            tree = self._trees[organization]
            if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
                raise VerificationError(
                    "changed",
                    f"the organization {organization!r} has {tree.size} of the first {size} entries, which are not the "
                    f"{checkpoint.size} that its checkpoint signed.",
                )

    def finish(self, size: int) -> None:
        """After the last entry: nothing was signed for more."""
        if self._signed:
            message = f"{max(self._signed)} entries were signed for an organization, and {size} are there."
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
