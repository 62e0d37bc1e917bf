"""Where ours is, engine by engine."""

from collections.abc import Callable

from tests.capture_torture.model import Engine
from tests.capture_torture.ours_postgres import READY, OursOnPostgres
from tests.capture_torture.ours_sqlite import OursOnSqlite
from tests.oracle.replay import Teller

ADAPTERS: dict[Engine, Callable[[], Teller]] = {"sqlite": OursOnSqlite}
if READY:
    ADAPTERS["postgres"] = OursOnPostgres
