"""Puts the portal together: tables, audit, first start, pages."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import indelible
from indelible.integrations.asgi import AuditMiddleware
from portal import audit_pages, jobs
from portal.database import Database
from portal.errors import PortalError, SettingsError
from portal.first_start import FirstAdmin, first_start
from portal.mail import parse_smtp_url
from portal.middleware import SameOrigin, SecurityHeaders, recognize
from portal.models import Base
from portal.pages import account, configuration, home, invitations, licenses, organizations, sign_in, users
from portal.pages.failure import on_crash, on_http_error, on_portal_error
from portal.settings import make_data_directory
from portal.web import Portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from portal.settings import Settings

_HERE = Path(__file__).parent
_PAGES = (home, organizations, users, invitations, licenses, configuration, account, sign_in)
_UNAVAILABLE = 503


def create_app(settings: Settings, announce: Callable[[FirstAdmin], None] = lambda _admin: None) -> Starlette:
    """The portal, ready to serve. `announce` learns of the first administrator, at the first start only.

    Raises PortalError or indelible.Error when it cannot start; then nothing is left open.
    """
    make_data_directory(settings.data)
    with ExitStack() as undo:
        database, audit = _open(settings, undo)
        first_start(database, settings, announce)
        mailer = parse_smtp_url(settings.smtp_url) if settings.smtp_url else None
        app = _assemble(Portal(settings, database, mailer), audit)
        undo.pop_all()
    return app


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The portal's database for a command, audited as it is while the portal runs. Raises like `create_app`."""
    if not settings.data.is_dir():
        raise SettingsError(f"There is no portal in {settings.data}. Name its data directory with --data.")
    with ExitStack() as undo:
        database, audit = _open(settings, undo)
        yield database
        audit.seal()


def _open(settings: Settings, undo: ExitStack) -> tuple[Database, indelible.Audit]:
    database = Database(settings.database_url)
    undo.callback(database.close)
    mailer = parse_smtp_url(settings.smtp_url) if settings.smtp_url else None
    audit = indelible.Audit(
        database.engine,
        settings.audit_url,
        map=_HERE / "audit.toml",
        pages=f"{settings.public_url}/audit" if settings.public_url else None,
        mail=mailer.send if mailer else None,
    )
    undo.callback(audit.close)
    _create_tables(database)  # after Audit: a database that cannot be audited is not touched
    audit.watch()  # before the first row is written: nothing in this database goes unrecorded
    return database, audit


def _assemble(portal: Portal, audit: indelible.Audit) -> Starlette:
    app = Starlette(
        routes=_routes(audit),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(SameOrigin),
            Middleware(AuditMiddleware, source="portal", actor=recognize(portal.database)),
        ],
        exception_handlers={PortalError: on_portal_error, HTTPException: on_http_error, Exception: on_crash},
        lifespan=_lifespan(portal, audit),
    )
    app.state.portal = portal
    app.state.audit = audit
    return app


def _routes(audit: indelible.Audit) -> list[BaseRoute]:
    def healthz(_request: Request) -> Response:
        health = audit.health()
        return JSONResponse(health, _UNAVAILABLE if health["status"] == "failing" else 200)

    return [
        Route("/healthz", healthz),
        *(route for pages in _PAGES for route in pages.ROUTES),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
        Mount("/audit", audit.app(viewer=audit_pages.viewer, shell=audit_pages.shell)),
    ]


def _lifespan(portal: Portal, audit: indelible.Audit) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        jobs.schedule(audit, portal.database.writing, portal.settings.job_seconds)
        audit.start()
        try:
            yield
        finally:
            audit.close()
            portal.database.close()

    return lifespan


def _create_tables(database: Database) -> None:
    try:
        Base.metadata.create_all(database.engine)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise SettingsError(
            f"The database {database.engine.url!r} cannot be opened: {cause}. "
            "Check DATABASE_URL, or the data directory and its owner."
        ) from error
