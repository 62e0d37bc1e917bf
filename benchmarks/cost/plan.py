"""What is measured: kinds of writes, variants, and what is asked of them."""

from typing import NamedTuple

from benchmarks.cost.subject import Engine

SINGLES = 200  # transactions of one row, in each round
REPEATS = 5  # of each write of 1,000 rows; the best counts


class Kind(NamedTuple):
    """A kind of write, a method of the hosts that know it."""

    method: str
    title: str
    repeats: int


KINDS = [
    Kind("insert", "one row, insert", SINGLES),
    Kind("update", "one row, read and update", SINGLES),
    Kind("save_new", "one row, `save()` of a new one in autocommit", SINGLES),
    Kind("save", "one row, `save()` in autocommit", SINGLES),
    Kind("insert_objects", "1,000 objects, insert", REPEATS),
    Kind("update_objects", "1,000 objects, update each", REPEATS),
    Kind("bulk_update", "1,000 objects, `bulk_update`", REPEATS),
    Kind("executemany", "1,000 rows, `executemany`", REPEATS),
    Kind("insert_select", "1,000 rows, one INSERT ... SELECT", REPEATS),
    Kind("update_rows", "1,000 rows, one UPDATE", REPEATS),
]
HOSTS = {
    "sqlalchemy": (
        "insert",
        "update",
        "insert_objects",
        "update_objects",
        "executemany",
        "insert_select",
        "update_rows",
    ),
    "django": tuple(kind.method for kind in KINDS),
    "driver": ("insert", "update", "executemany", "insert_select", "update_rows"),
}
FLOOR = "bare driver"
PEERS: dict[tuple[str, Engine], tuple[str, ...]] = {
    ("sqlalchemy", "sqlite"): ("SQLAlchemy-Continuum", FLOOR),
    ("sqlalchemy", "postgres"): ("SQLAlchemy-Continuum", "jsonb trigger", FLOOR),
    ("django", "sqlite"): ("django-auditlog", "django-simple-history", FLOOR),
    ("django", "postgres"): (
        "django-auditlog", "django-simple-history", "django-pghistory", "jsonb trigger", FLOOR,
    ),
    ("driver", "sqlite"): (),
    ("driver", "postgres"): ("jsonb trigger",),
}  # fmt: skip


def variants(host: str, engine: Engine) -> list[str]:
    return ["none", "indelible", *PEERS[host, engine]]


def kinds(host: str) -> list[Kind]:
    return [kind for kind in KINDS if kind.method in HOSTS[host]]


def most(host: str, engine: Engine, method: str) -> float | None:
    """The ratio to no capture that is not to be exceeded."""
    if method in ("insert", "update", "save_new", "save"):
        if host == "driver":
            return 1.25 if engine == "postgres" else None
        return 1.10
    return 1.30 if method in ("insert_objects", "update_objects", "bulk_update") else None


def cheaper(engine: Engine, method: str) -> float | None:
    """How many times less time it is to add than the jsonb trigger."""
    return 5.0 if engine == "postgres" and method in ("insert_select", "update_rows") else None
