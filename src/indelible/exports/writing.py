"""Exports into their files, each broken off anywhere and gone on with.

    write some entries -> on the disk -> write down how far it is -> ... -> the tail, on the disk -> done
                       A              B                                  C                       D

Killed at A to D the file is longer than what is written down of it: what is behind that is cut off and written again.
"""

import errno
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from indelible.background import Hold
from indelible.errors import Error, LogError
from indelible.event import micros
from indelible.export.manifest import manifest
from indelible.exports.exports import FOLDER, KEPT, Export, Exports, export_of
from indelible.files import sync
from indelible.log import Log
from indelible.search.page import batches
from indelible.work.promise import Statements, Work

logger = logging.getLogger(__name__)

STEP = 1.0  # seconds between two times of writing down how far it is
RESERVE = 512 * 2**20  # bytes of the disk that are left to the log


class _RemovedError(Exception):
    """Somebody gave up what is being made."""


class _LostError(LogError):
    """Another process goes on with it."""


class Writer:
    """Makes what is asked for, one after the other, while it has `hold`: of one log one does."""

    def __init__(self, log: Log, work: Work, hold: Hold, *, step: float = STEP) -> None:
        self._log = log
        self._work = work
        self._hold = hold
        self._step = step
        self._exports = Exports(log, work)

    def run(self) -> None:
        """Until nothing is waiting. Raises LogError for what keeps all of them from being made."""
        while export := self._next():
            path = self._exports.path(export)
            try:
                done = self._write(export, path)
                self._end(done, "done", self._manifest(done, path))
            except _RemovedError:
                self._exports.discard(export)
            except OSError as error:  # what there is of it takes room that others need
                self._exports.discard(export)
                said = f"The file cannot be written: {error.strerror or error}."
                remedy = f"Make room, or let {FOLDER} name another folder, and try again."
                self._fail(replace(export, reached=0, entries=0, bytes=0), f"{said} {remedy}")
            except _LostError:
                raise
            except Error as error:
                self._fail(None, str(error), export.id)
            except Exception as error:
                logger.exception("The export %s failed", export.id)
                self._fail(None, f"unexpected {type(error).__name__}: {error}"[:500], export.id)

    def _next(self) -> Export | None:
        """Also one that somebody else had begun with, who is no more."""
        self._check_hold()
        with self._work.transaction() as statements:
            rows = statements.run("next_export")
        return export_of(rows[0]) if rows else None

    def _write(self, export: Export, path: Path) -> Export:
        """Gives it as it is when all is on the disk."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        due = time.monotonic() + self._step
        with os.fdopen(handle, "r+b") as file:
            sync(path.parent)  # its name is there as long as its bytes are
            if os.fstat(handle).st_size < export.bytes:  # it was lost, or is on another machine
                export = replace(export, reached=0, entries=0, bytes=0)
            file.truncate(export.bytes)
            file.seek(export.bytes)
            for reached, found, piece in _pieces(self._log, export):
                file.write(piece)
                export = replace(export, reached=reached, entries=found, bytes=export.bytes + len(piece))
                if time.monotonic() >= due:
                    _sync(file)
                    self._move(export)
                    due = time.monotonic() + self._step
            tail = export.form.tail  # not written down before the end: it would be there twice
            file.write(tail)
            _sync(file)
        return replace(export, reached=export.size, bytes=export.bytes + len(tail))

    def _move(self, export: Export) -> None:
        self._check_hold()
        with self._work.transaction() as statements:
            if not _moved(statements, export):
                raise _gone(statements, export.id)

    def _check_hold(self) -> None:
        if not self._hold.kept():
            raise _LostError("Exports are made by another process now.")

    def _end(self, export: Export | None, state: str, told: str, *, id_: str = "") -> None:
        """`export`: how far it is; None: as far as was written down last."""
        self._check_hold()
        now = datetime.now(UTC)
        with self._work.transaction() as statements:
            if export is not None and not _moved(statements, export):
                raise _gone(statements, export.id)
            statements.run(
                "end_export", id=export.id if export else id_, state=state, told=told, now=micros(now),
                until_at=micros(now + KEPT),
            )  # fmt: skip

    def _fail(self, export: Export | None, told: str, id_: str = "") -> None:
        with suppress(_RemovedError):
            self._end(export, "failed", told, id_=id_)

    def _manifest(self, export: Export, path: Path) -> str:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        asked = {
            name: getattr(export, name) for name in ("format", "columns", "query", "since", "until", "organization")
        }
        whole = export.organization is None  # of an organization how large the whole log is tells of others
        return manifest(
            self._log.origin, self._log.checkpoint() if whole else None, export.size if whole else None, asked,
            entries=export.entries, size=export.bytes, sha256=sha256,
        ).decode()  # fmt: skip


def _pieces(log: Log, export: Export) -> Iterator[tuple[int, int, bytes]]:
    """(reached, entries, bytes) from where the export is, without the tail."""
    form, entries = export.form, export.entries
    if not export.bytes:
        yield export.reached, entries, form.head
    found = batches(log, export.search, organization=export.organization, start=export.reached, end=export.size)
    for reached, lines in found:
        between = form.between if entries else b""
        entries += len(lines)
        yield reached, entries, between + form.spell(lines, log.origin)


def _moved(statements: Statements, export: Export) -> bool:
    """False: it was removed."""
    return bool(
        statements.run(
            "move_export", id=export.id, reached=export.reached, entries=export.entries, bytes=export.bytes
        )
    )  # fmt: skip


def _gone(statements: Statements, id_: str) -> Exception:
    """Why it is not being made any more: it is nobody's, or another process has ended it."""
    there = any(row[0] == id_ for row in statements.run("exports"))
    return _LostError("Another process has made it.") if there else _RemovedError()


def _sync(file: IO[bytes]) -> None:
    """Raises OSError also where there is little room left: the log comes first."""
    file.flush()
    os.fsync(file.fileno())
    if shutil.disk_usage(file.fileno()).free < RESERVE:
        raise OSError(errno.ENOSPC, f"less than {RESERVE >> 20} MB are left on its disk")
