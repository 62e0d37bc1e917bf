"""The outbox as a tape: rows that say who acts stand among the changes, and go once nothing depends on them.

Both functions want the write lock: who holds it knows that nobody is inside a transaction.
"""

import sqlite3
from typing import NamedTuple

from indelible.capture.sqlite.carry import CLEAR, CONTEXT

# By id and token: another sealer may have dropped it first, and the database may have been restored since. As bytes: a
# forged token may be text that is not UTF-8, and has no other way back.
DROP = "DELETE FROM indelible_outbox WHERE id = ? AND CAST(token AS BLOB) = CAST(? AS BLOB)"
# What says who acts goes once another such row stands right behind it; the last one stays. So no row loses its actor,
# wherever a pass ends, and ids only grow: what stands behind the last row read is what was written after it.
DROP_CONTEXT = f"""DELETE FROM indelible_outbox WHERE id = ? AND operation = '{CONTEXT}' AND (
  SELECT next.operation FROM indelible_outbox AS next WHERE next.id > indelible_outbox.id ORDER BY next.id LIMIT 1
) = '{CONTEXT}'"""
LAST = "SELECT operation, context FROM indelible_outbox ORDER BY id DESC LIMIT 1"


class Row(NamedTuple):
    """What `drop` knows an outbox row by."""

    id: int
    token: object
    says_who: bool


def nobody_from_here(db: sqlite3.Connection) -> None:
    """Whoever the last row names has committed: on the driver, if nothing says that it ended."""
    if db.execute(LAST).fetchone() != (CONTEXT, None):
        db.execute(CLEAR)


def drop(db: sqlite3.Connection, rows: list[Row]) -> None:
    nobody_from_here(db)
    db.executemany(DROP, [(row.id, row.token) for row in rows if not row.says_who])
    db.executemany(DROP_CONTEXT, [(row.id,) for row in rows if row.says_who])
