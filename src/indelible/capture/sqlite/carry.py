"""How who acts gets into an SQLite transaction: two statements, for the integrations to run on the driver.

SET before the transaction's first write, with what `context.carry` gives; CLEAR before it commits.
"""

SET = "INSERT INTO indelible_context VALUES (1, ?) ON CONFLICT (only_one) DO UPDATE SET body = excluded.body"
CLEAR = "DELETE FROM indelible_context"
