"""Where ours is, engine by engine."""

from collections.abc import Callable

from tests.capture_torture.model import Engine
from tests.capture_torture.ours_postgres import READY, OursOnPostgres
from tests.capture_torture.ours_sqlite import OursOnSqlite
from tests.capture_torture.place import Adapter

ADAPTERS: dict[Engine, Callable[[], Adapter]] = {"sqlite": OursOnSqlite}
if READY:
    ADAPTERS["postgres"] = OursOnPostgres
