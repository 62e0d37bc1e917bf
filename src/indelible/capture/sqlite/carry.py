"""How who acts gets into an SQLite transaction: two statements, for the integrations to run on the driver.

SET before the transaction's first write, with what `context.carry` gives; CLEAR before it commits. Each is a row of the
outbox that says who made the rows after it: SQLite has one writer, so the rows of a transaction stand together.
"""

import re

CONTEXT = "context"  # the operation of such a row; its text says who acts from here on, NULL that nobody does

_ROW = "INSERT INTO indelible_outbox (token, watch, operation, at, context) VALUES (random(), 0, 'context', 0, {})"
SET = _ROW.format("?")
CLEAR = _ROW.format("NULL")
NOT_WATCHED = re.compile(r"no such table: (main\.)?indelible_")  # what they end in there: nobody is to be told
