"""What the signer needs of a store."""

from collections.abc import Iterator
from typing import Protocol


class Head(Protocol):
    @property
    def size(self) -> int: ...
    @property
    def root(self) -> bytes: ...


class Source(Protocol):
    """Trusted with nothing: lines are hashed anew, and notes open with a key."""

    def head(self) -> Head: ...
    def settled(self) -> Head:
        """The head, once nothing that is told of it can be lost with a machine: what is signed is not taken back."""

    def leaves(self, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]: ...
    def key_changes(self) -> list[str]: ...
    def add_key_change(self, number: int, note: str) -> None: ...
    def newest_checkpoint(self) -> tuple[int, str] | None: ...
