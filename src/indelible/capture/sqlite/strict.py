"""A change that nobody claims is refused by the trigger itself, whoever the client is."""

import sqlite3

from indelible.capture.sqlite.carry import CONTEXT

MESSAGE = "indelible: nobody is said to act. Write inside acting_as(...), or watch without strict"
REFUSE = f"""SELECT RAISE(ABORT, '{MESSAGE}') WHERE (
  SELECT context FROM indelible_outbox WHERE operation = '{CONTEXT}' ORDER BY id DESC LIMIT 1) IS NULL"""
# Finds that row deep in a transaction of many. One page more in each transaction, so only where it is needed.
INDEX = "indelible_outbox_context"


def index(db: sqlite3.Connection) -> None:
    """Make or drop the index, by whether any trigger asks."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND instr(sql, ?)"
    if db.execute(query, (MESSAGE,)).fetchone():
        db.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON indelible_outbox (operation) WHERE operation = '{CONTEXT}'")
    else:
        db.execute(f"DROP INDEX IF EXISTS {INDEX}")
