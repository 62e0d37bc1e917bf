"""How who acts gets into a PostgreSQL transaction: a setting that ends with it, whatever ends it.

No import of a driver: the integrations run these texts on whichever the application uses.
"""

import json
import re
from functools import lru_cache

from indelible.capture.postgres.names import literal

SETTING = "indelible.context"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def set_to(held: str | None) -> str:
    """In a transaction, or in front of what begins or follows in the same message."""
    return f"SET LOCAL {SETTING} = {_written(held or '')}"


def select_to(held: str | None) -> str:
    """Likewise, wherever it is said; without a transaction, in vain. It takes longer, and gives a row."""
    return f"SELECT pg_catalog.set_config('{SETTING}', {_written(held or '')}, true)"


@lru_cache(maxsize=64)
def _written(held: str) -> str:
    """In ASCII: the connection's encoding may have no other letters. How it begins stays: the triggers look at that."""
    return literal(_NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], held))
