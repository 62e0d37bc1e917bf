"""The front of the library: one object that watches a database, seals its log and serves its pages."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from indelible.actions import ActionMap
from indelible.capture.coverage import Coverage
from indelible.capture.source import open_source
from indelible.digests.digests import Digests
from indelible.errors import CaptureError, LogError, UsageError
from indelible.log import Log
from indelible.schedule.times import parse_times
from indelible.sealer import Sealer
from indelible.upkeep import Upkeep
from indelible.webhooks.service import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.applications import Starlette

    from indelible.event import Actor
    from indelible.viewer import Shell, ViewerCheck


class Audit:
    """The audit log of one SQLAlchemy engine.

        audit = Audit(engine, "sqlite:///audit.db", map="audit.toml")
        audit.watch()
        audit.start()
        app.mount("/audit", audit.app(viewer=who_may_see))

    docs/tutorial.md has a whole portal.
    """

    def __init__(
        self,
        engine: "Engine | AsyncEngine",
        log: str,
        *,
        map: str | Path | None = None,  # noqa: A002 - the word of the docs
        pages: str | None = None,
        mail: "Callable[[EmailMessage], None] | None" = None,
    ) -> None:
        """Opens the log, and makes it with its key if it is not there. From here on `engine` carries who acts.

        `pages`: where others reach the audit pages, for links in webhooks; INDELIBLE_PAGES if it is not given.
        `mail`: sends a mail, or raises `indelible.Error`; without it INDELIBLE_SMTP_URL is the mail server of digests.
        Raises MapError, LogError, CaptureError (a database that cannot be captured).
        """
        from indelible.integrations.sqlalchemy import attach

        self._engine: Engine = getattr(engine, "sync_engine", engine)  # type: ignore[arg-type]  # an AsyncEngine has one
        self._url = _source_url(self._engine)
        self._map = ActionMap.load(Path(map)) if map else None
        self.log = Log.open_or_create(log)
        self._sealer: Sealer | None = None
        self._upkeep = Upkeep(self.log, log, [self._url], pages=pages, send=mail)
        attach(self._engine, self._committed)

    def watch(self, *, strict: bool = False, baseline: bool = True) -> list[str]:
        """Install the triggers on every table that the map does not exclude; repeatable. Gives their names.

        `strict`: from now on the database refuses a change that nobody claims. `baseline`: rows that are there already
        are recorded too. Raises CaptureError, MapError.
        """
        with closing(open_source(self._url)) as source:
            watched = source.watch(None, self._map, strict=strict, baseline=baseline)
            if self._sealer is None:
                outbox = source.outbox()
                self._sealer = Sealer(outbox, self.log, self._upkeep.turn(outbox.source))
        return watched

    def start(self) -> None:
        """Seal in a thread of this process, within moments of each commit.

        Others look every minute whether capture holds, and all the time whether the log is what was signed; one has
        each checkpoint leave for the places that the environment names, one delivers webhooks,
        one runs jobs.
        """
        self._sealing().start()
        self._upkeep.start()

    def close(self) -> None:
        """Stop sealing and close the log. What is still in the outbox waits there for the next start."""
        if self._sealer is not None:
            self._sealer.close()
        self._upkeep.close()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self) -> int:
        """Everything committed before this call is in the log when it returns."""
        return self._sealing().seal()

    def health(self) -> dict[str, Any]:
        """`status` "ok" or "failing", the log's `size`, what is `signed`, `pending`, `seal_lag_seconds`, `drifted`.

        `assurance`, where the log is known elsewhere. `tampering` says what is not as it was signed, `unpublished`
        where the log is not known that is to know it, `undelivered` why no webhook is, `unwritable` why nothing can be
        recorded: they are there only then.
        """
        return self._upkeep.told(self._sealing().health())

    @property
    def webhooks(self) -> Webhooks:
        """Who hears of entries. Raises LogError, UsageError."""
        return self._upkeep.desk.webhooks

    @property
    def digests(self) -> Digests:
        """Who gets summaries by mail. Raises LogError, UsageError."""
        return self._upkeep.desk.digests

    def schedule(self, name: str, times: str, run: "Callable[[], str | None]") -> None:
        """Have a function run by itself from `start` on, in one server of several: once for each moment it is due.

        `times`: "every 5m", "daily 06:00", "weekly mon 06:00", "monthly 1 06:00" (UTC). What it writes in the database
        is its own doing; what it gives says on the page of jobs what that was, None that there was nothing to do.
        Raises UsageError.
        """
        parse_times(times)
        self._upkeep.schedule(name, times, run)

    def coverage(self) -> list[Coverage]:
        """Each table of the database, and whether it is watched as it was left. Raises CaptureError."""
        with closing(open_source(self._url)) as source:
            return source.coverage()

    def app(self, *, viewer: "ViewerCheck", shell: "Shell | None" = None) -> "Starlette":
        """The audit pages, to mount. `viewer` says who may see what; `shell` puts them into the host's own page."""
        try:
            from indelible.web import create_app
        except ImportError as error:
            raise UsageError("The audit pages need more packages: pip install 'indelible[server]'") from error
        return create_app(self.log, viewer=viewer, shell=shell, refresh=self.seal, upkeep=self._upkeep)

    def api(self) -> "Starlette":
        """The HTTP API, to mount at /api/v1; keys for it: `indelible keys add LOG`. Raises LogError, UsageError."""
        try:
            from indelible.api import create_api
        except ImportError as error:
            raise UsageError("The API needs more packages: pip install 'indelible[server]'") from error
        return create_api(self.log, self._upkeep)

    def link(self, organization: str, actor: "Actor", *, lasts: timedelta = timedelta(minutes=15)) -> str:
        """The path, behind where `app` is mounted, that shows one organization's entries to whoever has it.

        For a page of the host's own, for somebody whom the host knows: `actor`, who stands in entries of what they
        export. Raises UsageError for more than a day, LogError.
        """
        from indelible.web.links import sign

        return f"/as/{sign(self._upkeep.desk.secrets, organization, actor, lasts)}/"

    def _committed(self) -> None:
        if self._sealer is not None:  # else this process leaves `watch`, and what is sealed, to another
            self._sealer.notify()

    def _sealing(self) -> Sealer:
        if self._sealer is None:
            raise LogError("Nothing is watched yet. Call watch() first.")
        return self._sealer


def _source_url(engine: "Engine") -> str:
    """The same database for our own connection. Raises CaptureError for one that cannot be captured."""
    name, url = engine.dialect.name, engine.url
    if name == "postgresql":
        return url.set(drivername=name).render_as_string(hide_password=False)
    if name == "sqlite" and url.database and url.database != ":memory:":
        try:
            Path(url.database).touch()  # an engine makes its file with its first connection
        except OSError as error:
            raise CaptureError(f"{url.database} cannot be opened: {error.strerror}.") from error
        return f"sqlite:///{url.database}"
    raise CaptureError(
        f"{name} cannot be captured, only PostgreSQL and an SQLite file can. Give sqlite:///path/file.db or "
        "postgresql://..., so that no change goes unrecorded."
    )
