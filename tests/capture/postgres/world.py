"""The same verbs as `tests.world.World`, on PostgreSQL."""

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from indelible.capture.coverage import Coverage
from indelible.capture.postgres.outbox import PostgresOutbox
from indelible.capture.postgres.source import PostgresSource
from indelible.reconcile import Difference, compare
from tests.world import AnyWorld


class PostgresWorld(AnyWorld):
    """`db` is a raw client, in autocommit: it knows nothing of actors. It is the owner, a superuser."""

    def __init__(self, folder: Path, url: str, log_url: str | None = None) -> None:
        super().__init__(folder, log_url)
        self.app_url = url
        self.database = str(conninfo_to_dict(url)["dbname"])
        self.engine_url = self.driver_url("psycopg")
        self.db = psycopg.connect(url, autocommit=True)
        self.db.execute("SET client_min_messages = error")

    def close(self) -> None:
        super().close()
        self.db.close()

    def driver_url(self, driver: str) -> str:
        url = make_url(self.app_url)
        return url.set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)

    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self.app_url)

    def watch(
        self, ddl: str = "", tables: Sequence[str] | None = None, map_text: str = "", *, strict: bool = False
    ) -> list[str]:
        """Run `ddl`, then watch: only changes from here on, and without the notes that capture makes of itself."""
        try:
            return self.watch_all(ddl, tables, map_text, strict=strict, baseline=False)
        finally:
            with suppress(psycopg.errors.UndefinedTable):  # it was refused
                self.db.execute("DELETE FROM indelible.outbox WHERE operation = 'note'")

    def watch_all(
        self,
        ddl: str = "",
        tables: Sequence[str] | None = None,
        map_text: str = "",
        *,
        strict: bool = False,
        baseline: bool = True,
    ) -> list[str]:
        """Run `ddl`, then watch, as an application does."""
        if ddl:
            self.db.execute(ddl)
        with closing(PostgresSource(self.app_url)) as source:
            return source.watch(tables, self.action_map(map_text), strict=strict, baseline=baseline)

    def unwatch(self, table: str) -> None:
        with closing(PostgresSource(self.app_url)) as source:
            source.unwatch(table)

    def covered(self) -> list[Coverage]:
        with closing(PostgresSource(self.app_url)) as source:
            return source.coverage()

    def differences(self) -> list[Difference]:
        """Between the tables and the log, with what still waits."""
        found: list[Difference] = []
        with closing(PostgresSource(self.app_url)) as source:
            compare(source, self.log, found.append)
        return found

    def run(self, sql: str, values: Any = None) -> None:
        """One statement of the raw client, committed."""
        self.db.execute(sql, values)

    def query(self, sql: str, values: Any = None) -> list[Any]:
        """The rows; where they have one column, its values."""
        rows = self.db.execute(sql, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def role(self, name: str, *rights: str) -> str:
        """A role of this database alone, by a name that no other has; `{}` in a right stands for it."""
        role = f"{self.database}_{name}"
        self.db.execute(f"CREATE ROLE {role} LOGIN")
        for right in rights:
            self.db.execute(right.format(role))
        return role

    def client(self, role: str = "postgres", **options: Any) -> psycopg.Connection:
        """Another raw client; in autocommit unless told otherwise."""
        return psycopg.connect(self.app_url, **{"autocommit": True, "user": role, **options})

    def waiting(self) -> int:
        """Captured records."""
        (count,) = self.query("SELECT coalesce(sum(rows), 0) FROM indelible.outbox")
        return int(count)
