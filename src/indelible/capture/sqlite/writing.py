"""A transaction of our own in the application's database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from indelible.errors import CaptureError


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT on a connection of any isolation setting, which it has again afterwards."""
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
