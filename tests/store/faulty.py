"""A file system that fails at one operation of your choice: SQLite sees an input/output error, or a full disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

NAME, REAL = "faulty", apsw.vfs_names()[0]


class Faults:
    """`at`: the number of the write, sync or truncation that fails, and how; `done`: it is done all the same."""

    def __init__(self) -> None:
        self.count = 0
        self.at: int | None = None
        self.kind: type[apsw.Error] = apsw.IOError
        self.done = False
        self.lasting = False  # all after it fail, too: a disk that is full

    def strike(self) -> bool:
        """Whether this operation fails."""
        self.count += 1
        return self.at is not None and (self.count == self.at or (self.lasting and self.count > self.at))


class _File(apsw.VFSFile):
    def __init__(self, faults: Faults, name: Any, flags: Any) -> None:
        super().__init__(REAL, name, flags)
        self._faults = faults

    def _do(self, operation: Any, *values: Any) -> None:
        strikes = self._faults.strike()
        if not strikes or self._faults.done:
            operation(*values)
        if strikes:
            raise self._faults.kind("the disk fails")

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - the name is SQLite's
        self._do(super().xWrite, data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._do(super().xSync, flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._do(super().xTruncate, size)


class _System(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        super().__init__(NAME, REAL)

    def xOpen(self, name: Any, flags: Any) -> _File:  # noqa: N802
        return _File(self._faults, name, flags)


@contextmanager
def faulty() -> Iterator[Faults]:
    """Every file that SQLite opens within is on it."""
    faults = Faults()
    system = _System(faults)
    apsw.set_default_vfs(NAME)
    try:
        yield faults
    finally:
        apsw.set_default_vfs(REAL)
        system.unregister()
