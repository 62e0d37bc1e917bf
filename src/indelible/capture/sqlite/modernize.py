"""Brings what an earlier version installed up to date, in the transaction that watches anew."""

import sqlite3

from indelible.capture.sqlite.names import PREFIX, quote

# The first triggers copied the text from here into every row.
COPIED = f"(SELECT body FROM {PREFIX}context)"


def modernize(db: sqlite3.Connection) -> None:
    """Rows that wait keep their copies. Tables that are not watched again just now go on being recorded."""
    _let_definitions_end(db)
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'indelible_context'").fetchone():
        return
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, sql in found:
        if name.startswith(PREFIX) and COPIED in sql:
            db.execute(f"DROP TRIGGER {quote(name)}")
            db.execute(sql.replace(COPIED, "NULL"))
    db.execute("DROP TABLE indelible_context")


def _let_definitions_end(db: sqlite3.Connection) -> None:
    """Every table was watched for ever once, and its shape was not kept."""
    columns = [row[1] for row in db.execute("PRAGMA table_info(indelible_watch)")]
    if "shape" in columns:
        return
    db.execute("CREATE TABLE indelible_watch_new (id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, definition, shape)")
    db.execute("INSERT INTO indelible_watch_new SELECT id, table_name, definition, NULL FROM indelible_watch")
    db.execute("DROP TABLE indelible_watch")
    db.execute("ALTER TABLE indelible_watch_new RENAME TO indelible_watch")
