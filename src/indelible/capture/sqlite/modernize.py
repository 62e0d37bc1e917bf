"""Brings what an earlier version installed up to date, in the transaction that watches anew."""

import sqlite3

from indelible.capture.sqlite.names import PREFIX, quote

# The first triggers copied the text from here into every row.
COPIED = f"(SELECT body FROM {PREFIX}context)"


def modernize(db: sqlite3.Connection) -> None:
    """Rows that wait keep their copies. Tables that are not watched again just now go on being recorded."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'indelible_context'").fetchone():
        return
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, sql in found:
        if name.startswith(PREFIX) and COPIED in sql:
            db.execute(f"DROP TRIGGER {quote(name)}")
            db.execute(sql.replace(COPIED, "NULL"))
    db.execute("DROP TABLE indelible_context")
