"""A database under one variant, as one host writes to it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal, NamedTuple

from indelible import Actor, acting_as

Engine = Literal["sqlite", "postgres"]
Write = Callable[[], object]  # what is timed; all that it needs is made before


class Where(NamedTuple):
    """What a worker is told to write to."""

    engine: Engine
    variant: str
    database: str  # of SQLite a file, of PostgreSQL a URL
    folder: Path  # for what else a variant keeps

    @property
    def url(self) -> str:
        """As SQLAlchemy wants it."""
        if self.engine == "sqlite":
            return f"sqlite:///{self.database}"
        return self.database.replace("://", "+psycopg://", 1)

    @property
    def source(self) -> str:
        """As capture wants it."""
        return f"sqlite:///{self.database}" if self.engine == "sqlite" else self.database


class Subject:
    """A host has a method for each kind of write it knows; the others say None."""

    where: Where
    counts: str | None = None  # a query: how many changes the variant has recorded

    def acting(self) -> AbstractContextManager[object]:
        """What is around each write, as a portal's middleware has it."""
        return acting_portal() if self.where.variant == "indelible" else nullcontext()

    def recorded(self) -> int:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def acting_portal() -> AbstractContextManager[object]:
    actor = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
    return acting_as(actor, source="portal", ip="192.0.2.1", user_agent="Mozilla/5.0", request_id="r1")


COUNTS = {  # variant and engine: how many changes are recorded
    ("indelible", "sqlite"): "SELECT count(*) FROM indelible_outbox WHERE operation <> 'context'",
    ("indelible", "postgres"): "SELECT coalesce(sum(rows), 0) FROM indelible.outbox",
    ("jsonb trigger", "postgres"): "SELECT count(*) FROM row_audit.version",
}
