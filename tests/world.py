"""A customer's application database and a log beside it, in one folder; every part is the real one."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from indelible.actions import ActionMap
from indelible.capture.source import Outbox
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.sqlite.watch import install
from indelible.event import Entry
from indelible.integrations.sqlalchemy import attach
from indelible.log import Log
from indelible.sealer import Sealer
from tests.checking import check_signed
from tests.shell import Shell, shell


class AnyWorld:
    """What is the same whatever the application's database is: the log, its sealer, the engines."""

    app_url: str
    engine_url: str  # SQLAlchemy's name of the application's database

    def __init__(self, folder: Path, log_url: str | None = None) -> None:
        self.folder = folder
        self.log_url = log_url or f"sqlite:///{folder / 'audit.db'}"
        self.log = Log.create(self.log_url, "audit.example/test")
        self._engines: list[Engine] = []
        self._sealer: Sealer | None = None

    def close(self) -> None:
        self.let_go()
        self.log.close()
        for engine in self._engines:
            engine.dispose()

    def shell(self) -> Shell:
        """Of the log's database."""
        return shell(self.log, self.log_url)

    def let_go(self) -> None:
        """Close the outbox's connection; the next `seal` opens a new one."""
        if self._sealer is not None:
            self._sealer.close()
            self._sealer = None

    def action_map(self, text: str) -> ActionMap:
        path = self.folder / "audit.toml"
        path.write_text(text)
        return ActionMap.load(path)

    def engine(self, **options: Any) -> Engine:
        """As an application has it: pooled, and carrying the actor."""
        engine = create_engine(self.engine_url, **options)
        attach(engine, lambda: None)
        self._engines.append(engine)
        return engine

    @property
    def sealer(self) -> Sealer:
        if self._sealer is None:
            self._sealer = Sealer(self.outbox(), self.log)
        return self._sealer

    def sealed(self) -> list[Entry]:
        """Every entry of the log after a pass, checked."""
        before = self.log.head().size
        added = self.sealer.seal()
        entries = check_signed(self.log)
        assert len(entries) == before + added
        assert self.waiting() == 0
        return entries

    def outbox(self) -> Outbox:
        raise NotImplementedError

    def waiting(self) -> int:
        raise NotImplementedError


class World(AnyWorld):
    """`db` is a raw client of the application's database: it knows nothing of actors."""

    def __init__(self, folder: Path, log_url: str | None = None) -> None:
        super().__init__(folder, log_url)
        self.app = folder / "app.db"
        self.app_url = self.engine_url = f"sqlite:///{self.app}"
        self.reconnect()

    def reconnect(self) -> None:
        self.db = sqlite3.connect(self.app)
        self.db.execute("PRAGMA synchronous = OFF")  # of the customer's side; the log's own is never touched

    def close(self) -> None:
        super().close()
        self.db.close()

    def outbox(self) -> Outbox:
        return SQLiteOutbox(self.app)

    def watch(
        self, ddl: str = "", tables: Sequence[str] | None = None, map_text: str = "", *, strict: bool = False
    ) -> list[str]:
        """Run `ddl`, then watch: only changes from here on, and without the notes that capture makes of itself."""
        try:
            return self.watch_all(ddl, tables, map_text, strict=strict, baseline=False)
        finally:
            with suppress(sqlite3.OperationalError), self.db:  # there is no such table: it was refused
                self.db.execute("DELETE FROM indelible_outbox WHERE operation = 'note'")

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
        self.db.executescript(ddl)
        return install(self.db, tables, self.action_map(map_text), strict=strict, baseline=baseline)

    def run(self, sql: str, values: Any = ()) -> None:
        """One statement of the raw client, committed."""
        with self.db:
            self.db.execute(sql, values)

    def waiting(self) -> int:
        """Captured records; the rows that say who acts are none."""
        with self.db:
            query = "SELECT count(*) FROM indelible_outbox WHERE operation <> 'context'"
            (count,) = self.db.execute(query).fetchone()
        return int(count)

    def left_open(self) -> str | None:
        """Who the tape says acts from here on: whoever writes next would be taken for them."""
        query = "SELECT context FROM indelible_outbox WHERE operation = 'context' ORDER BY id DESC LIMIT 1"
        with self.db:
            row = self.db.execute(query).fetchone()
        return None if row is None or row[0] is None else str(row[0])


def told(entries: Sequence[Entry]) -> list[tuple[str, str, dict[str, Any]]]:
    """What a test compares: operation, entity id and changes."""
    return [(entry.operation, entry.entity.id, entry.changes) for entry in entries]


def who(entries: Sequence[Entry]) -> list[str]:
    """The actor of each entry: an id, or the type of one who has none."""
    return [entry.actor.id or entry.actor.type for entry in entries]
