"""How who acts gets into a PostgreSQL transaction: a setting that ends with it, whatever ends it.

No import of a driver: the integrations run these texts on whichever the application uses.
"""

import json
from functools import lru_cache

from indelible.capture.postgres.names import literal

SETTING = "indelible.context"


def begin_with(held: str) -> str:
    """To append to BEGIN, so that both go in one message."""
    return f"SET LOCAL {SETTING} = {_written(held)}"


def change_to(held: str | None) -> str:
    """For a transaction that has begun. It gives a row, like any SELECT."""
    return f"SELECT pg_catalog.set_config('{SETTING}', {_written(held or '')}, true)"


@lru_cache(maxsize=64)
def _written(held: str) -> str:
    """In ASCII: the connection's encoding may have no other letters."""
    return literal(held if held.isascii() else json.dumps(json.loads(held)))
