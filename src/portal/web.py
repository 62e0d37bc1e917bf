"""What every page shares: one call, one transaction, one way to answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from portal.errors import InvalidError, MediaTypeError, PortalError, RefusedError, SignInNeededError, TooLargeError
from portal.inputs import Form, Inputs, search_text
from portal.render import render
from portal.services import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from indelible import Context
    from indelible.integrations.smtp import Mailer
    from portal.access import Person
    from portal.database import Database
    from portal.settings import Settings

    Handler = Callable[["Call"], Response]

BODY_LENGTH = 256 * 1024
COOKIE = "portal_session"
_FORM_TYPE = "application/x-www-form-urlencoded"
_log = logging.getLogger("portal")


@dataclass(frozen=True)
class Portal:
    """What lives as long as the process."""

    settings: Settings
    database: Database
    mailer: Mailer | None


@dataclass
class Call:
    """One request to one page."""

    request: Request
    form: Form = field(default_factory=Form)
    errors: dict[str, str] = field(default_factory=dict)
    opened: Session | None = None

    @property
    def portal(self) -> Portal:
        portal: Portal = self.request.app.state.portal
        return portal

    @property
    def visitor(self) -> Context:
        """Where the request comes from, whoever sent it."""
        visitor: Context = self.request.scope["indelible.context"]
        return visitor

    @property
    def db(self) -> Session:
        """This request's transaction, begun on first use; a form's may write."""
        if self.opened is None:
            database = self.portal.database
            self.opened = database.writing() if self.request.method == "POST" else database.reading()
        return self.opened

    @cached_property
    def person(self) -> Person:
        """Who asks; read again in the request's own transaction, so that a right taken away is gone at once."""
        person = sign_in.person_of(self.db, self.request.cookies.get(COOKIE, ""))
        if person is None:
            raise SignInNeededError("You are not signed in. Sign in first.")
        return person

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.form)

    @property
    def search(self) -> str:
        return search_text(self.request.query_params.get("q", ""))

    @property
    def before(self) -> str:
        return self.request.query_params.get("before", "")

    def id(self, name: str = "id") -> str:
        return str(self.request.path_params[name])

    def page(self, template: str, **values: Any) -> Response:
        values |= {"form": self.form, "errors": self.errors}
        return HTMLResponse(render(self.request, template, values))

    def go(self, path: str, done: str = "") -> Response:
        """To the page that shows the result; asking for that page again does nothing twice."""
        return RedirectResponse(path + (f"?done={done}" if done else ""), 303)

    def commit(self) -> None:
        if self.opened is not None:
            self.opened.commit()

    def rollback(self) -> None:
        if self.opened is not None:
            self.opened.rollback()
        self.__dict__.pop("person", None)

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()


def page(path: str, show: Handler, save: Handler | None = None, *, public: bool = False) -> Route:
    """A page: `show` answers GET. `save` answers POST; what it finds invalid is shown again by `show`."""

    def answer(call: Call) -> Response:
        if not public:
            must_change = call.person.must_change_password
            if must_change:
                return call.go("/account/password")
        return _save(call, save, show) if call.request.method == "POST" and save else show(call)

    return Route(path, _endpoint(answer), methods=["GET", "POST"] if save else ["GET"])


def act(path: str, save: Handler, show: Handler) -> Route:
    """A button or a form on another page: POST only. `show` is that page, for what `save` finds invalid."""

    def answer(call: Call) -> Response:
        if call.person.must_change_password:
            return call.go("/account/password")
        return _save(call, save, show)

    return Route(path, _endpoint(answer), methods=["POST"])


def _save(call: Call, save: Handler, show: Handler) -> Response:
    try:
        return save(call)
    except InvalidError as error:
        call.errors = error.fields
        status = error.status
    except IntegrityError:
        refused = RefusedError("Somebody saved something else at the same moment. Look at the list, then try again.")
        call.errors, status = refused.fields, refused.status
    call.rollback()
    response = show(call)
    response.status_code = status
    return response


def _endpoint(answer: Handler) -> ASGIApp:
    async def endpoint(request: Request) -> Response:
        form = await _read_form(request) if request.method == "POST" else Form()
        return await run_in_threadpool(_run, answer, Call(request, form))

    return endpoint  # type: ignore[return-value]


def _run(answer: Handler, call: Call) -> Response:
    """Commits before the answer leaves: what a person sees as saved is saved."""
    try:
        response = answer(call)
        call.commit()
    except PortalError:
        raise
    except Exception:  # noqa: BLE001 -- logged with its cause; the person gets a page
        _log.exception("%s %s failed", call.request.method, call.request.scope["route"].path)
        raise PageFailedError from None
    else:
        return response
    finally:
        call.close()


class PageFailedError(PortalError):
    """Already logged with its cause; the person gets a page that says what to do."""

    status = 500
    title = "This failed on our side"

    def __init__(self) -> None:
        super().__init__("Nothing was saved. Try again; if it fails again, tell support the request number below.")


async def _read_form(request: Request) -> Form:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LENGTH:
            raise TooLargeError(f"A form may hold {BODY_LENGTH // 1024} KB; this was more. Shorten what you typed.")
    content_type = request.headers.get("content-type", _FORM_TYPE).partition(";")[0].strip().lower()
    if body and content_type != _FORM_TYPE:
        raise MediaTypeError(f"This page takes {_FORM_TYPE}, not {content_type[:80]}. Use the form on the page.")
    return Form.parse(body)
