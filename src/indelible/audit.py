"""The front of the library: one object that watches a database, seals its log and serves its pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from indelible.actions import ActionMap
from indelible.capture.outbox import Outbox
from indelible.capture.sqlite import install
from indelible.errors import CaptureError, LogError, UsageError
from indelible.log import Log, sqlite_path
from indelible.sealer import Sealer

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.applications import Starlette

    from indelible.viewer import Shell, ViewerCheck


class Audit:
    """The audit log of one SQLAlchemy engine.

    audit = Audit(engine, "sqlite:///audit.db", map="audit.toml")
    audit.watch()
    audit.start()
    app.mount("/audit", audit.app(viewer=who_may_see))
    """

    def __init__(self, engine: "Engine", log: str, *, map: str | Path | None = None) -> None:  # noqa: A002 - the word of the docs
        """Opens the log, and makes it with its key if it is not there.

        Raises MapError, LogError, CaptureError (a database that cannot be captured).
        """
        if engine.dialect.name != "sqlite" or not engine.url.database or engine.url.database == ":memory:":
            raise CaptureError(
                f"{engine.dialect.name} cannot be captured yet, only an SQLite file can. "
                "Give sqlite:///path/file.db, so that no change goes unrecorded."
            )
        self._engine = engine
        self._map = ActionMap.load(Path(map)) if map else ActionMap()
        self.log = Log.open(log) if sqlite_path(log).exists() else Log.create(log)
        self._sealer: Sealer | None = None

    def watch(self) -> list[str]:
        """Install the triggers on every table that the map does not exclude; repeatable. Gives their names."""
        from indelible.integrations.sqlalchemy import attach

        with self._engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            watched = install(driver, None, self._map)  # type: ignore[arg-type]  # pysqlite's connection
        if self._sealer is None:
            self._sealer = Sealer(Outbox(Path(self._engine.url.database or "")), self.log)
            attach(self._engine, self._sealer.notify)
        return watched

    def start(self) -> None:
        """Seal in a thread of this process, within moments of each commit."""
        self._sealing().start()

    def close(self) -> None:
        """Stop sealing and close the log. What is still in the outbox waits there for the next start."""
        if self._sealer is not None:
            self._sealer.close()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self) -> int:
        """Everything committed before this call is in the log when it returns."""
        return self._sealing().seal()

    def health(self) -> dict[str, Any]:
        """`status` "ok" or "failing", the log's `size`, what is `signed`, `pending`, `seal_lag_seconds`."""
        return self._sealing().health()

    def app(self, *, viewer: "ViewerCheck", shell: "Shell | None" = None) -> "Starlette":
        """The audit pages, to mount. `viewer` says who may see what; `shell` puts them into the host's own page."""
        try:
            from indelible.web import create_app
        except ImportError as error:
            raise UsageError("The audit pages need more packages: pip install 'indelible[server]'") from error
        return create_app(self.log, viewer=viewer, shell=shell, refresh=self.seal)

    def _sealing(self) -> Sealer:
        if self._sealer is None:
            raise LogError("Nothing is watched yet. Call watch() first.")
        return self._sealer
