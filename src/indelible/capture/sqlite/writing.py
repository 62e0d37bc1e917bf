"""A transaction of our own in the application's database; or a part of its own, where it asks for that."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from indelible.errors import CaptureError

_joins: ContextVar[bool] = ContextVar("indelible_joins", default=False)


@contextmanager
def joining() -> Iterator[None]:
    """Inside, `writing` is a part of the transaction that is open, if one is, and is committed with it."""
    token = _joins.set(True)
    try:
        yield
    finally:
        _joins.reset(token)


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT on a connection of any isolation setting, which it has again afterwards."""
    if db.in_transaction and _joins.get():
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
