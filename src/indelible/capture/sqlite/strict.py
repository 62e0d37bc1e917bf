"""A change that nobody claims is refused by the trigger itself, whoever the client is."""

import sqlite3

from indelible.capture.context import SOMEBODY, TRANSACTION
from indelible.capture.sqlite.carry import CONTEXT

MESSAGE = "indelible: nobody is said to act. Write inside acting_as(...), or watch without strict"
# Nor is a request in which nobody has said so yet.
REFUSE = f"""SELECT RAISE(ABORT, '{MESSAGE}') WHERE (
  SELECT context IS NOT NULL AND substr(context, {TRANSACTION + 1}, {len(SOMEBODY)}) = '{SOMEBODY}'
  FROM indelible_outbox WHERE operation = '{CONTEXT}' ORDER BY id DESC LIMIT 1) IS NOT 1"""
# Finds that row deep in a transaction of many. One page more in each transaction, so only where it is needed.
INDEX = "indelible_outbox_context"


def index(db: sqlite3.Connection) -> None:
    """Make or drop the index, by whether any trigger asks."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND instr(sql, ?)"
    if db.execute(query, (MESSAGE,)).fetchone():
        db.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON indelible_outbox (operation) WHERE operation = '{CONTEXT}'")
    else:
        db.execute(f"DROP INDEX IF EXISTS {INDEX}")
