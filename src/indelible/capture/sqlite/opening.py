"""The application's file, opened; and what is said where SQLite refuses it.

With the standard library's driver: two SQLite builds must never open one file, so this is never `apsw`.
"""

import sqlite3
from pathlib import Path

from indelible.errors import CaptureError, NotFoundError
from indelible.files import LOG, WORK, remedy

BUSY_SECONDS = 10


def connect(path: Path) -> sqlite3.Connection:
    """Threads may share it. Raises NotFoundError without the file, CaptureError if it is no SQLite database."""
    if not path.is_file():
        raise NotFoundError(f"There is no database at {path}. Give the file of the application.")
    db = None
    try:
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        ((whose,),) = db.execute("PRAGMA application_id").fetchall()
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        raise CaptureError(f"{path} cannot be opened as an SQLite database: {why(error)}") from error
    if whose in (LOG, WORK):  # triggers there would make it another file than `verify` knows
        db.close()
        raise CaptureError(f"{path} is a log, or stands beside one. Give the file of the application, to watch that.")
    return db


def why(error: sqlite3.Error) -> str:
    """What SQLite says, and what to do about it."""
    return f"{error}. {remedy(getattr(error, 'sqlite_errorcode', 0))}".rstrip()
