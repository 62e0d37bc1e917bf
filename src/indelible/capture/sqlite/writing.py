"""A transaction of our own in the application's database; or a part of its own, where it asks for that."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from indelible.errors import CaptureError

_migrates: ContextVar[bool] = ContextVar("indelible_migrates", default=False)


@contextmanager
def migration() -> Iterator[None]:
    """Inside, a migration is at work, or has just committed: `writing` is a part of its transaction while that is open,
    and is committed with it.
    """
    token = _migrates.set(True)
    try:
        yield
    finally:
        _migrates.reset(token)


def migrating() -> bool:
    return _migrates.get()


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT on a connection of any isolation setting, which it has again afterwards."""
    if db.in_transaction and migrating():
        with _part(db):
            yield
        return
    if db.in_transaction:
        raise CaptureError("Watching starts in a transaction of its own: commit or roll back the open one first.")
    isolation = db.isolation_level
    db.isolation_level = None
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
    finally:
        db.isolation_level = isolation


@contextmanager
def _part(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("SAVEPOINT indelible_watch")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO indelible_watch")
        raise
    finally:
        db.execute("RELEASE indelible_watch")
