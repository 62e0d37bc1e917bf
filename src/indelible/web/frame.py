"""What all pages share: who looks, the host's frame around them, and forms that nobody else's page can send."""

import hashlib
import logging
import secrets as chance
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from indelible.errors import Error, NotFoundError, SlowSearchError, UsageError
from indelible.legible import legible
from indelible.monitor import Found
from indelible.urls import entity_path, rest_of_path
from indelible.viewer import Page, Shell, Viewer, ViewerCheck, context_of
from indelible.web.told import marked, told
from indelible.work.announcements import By

logger = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
MAX_FORM = 65_536  # bytes

_templates = Environment(
    loader=PackageLoader("indelible.web"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,  # it would look at the file of each template again, for each row
    trim_blocks=True,
    lstrip_blocks=True,
)

_templates.filters["rest"] = rest_of_path
_templates.filters["path"] = lambda entity: entity_path(entity.type, entity.id)
_templates.filters |= {"told": told, "marked": marked, "legible": legible}

Form = dict[str, str]
Show = Callable[[Request, Viewer], Response]
Save = Callable[[Request, Viewer, Form], Response]


class Frame:
    """Pages are shown in it. `viewer` says who may see what, `found` what verifying the log came to."""

    def __init__(self, viewer: ViewerCheck, shell: Shell | None, found: Callable[[], Found]) -> None:
        self.viewer = viewer
        self._found = found
        self._shell = shell or _plain_shell

    def page(self, show: Show) -> Callable[[Request], Any]:
        """An endpoint: asks the host who looks, in a worker thread, and lets nobody else in."""

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._answer, request, lambda viewer: show(request, viewer))

        return endpoint

    def form(self, save: Save) -> Callable[[Request], Any]:
        """Likewise, for what is posted."""

        async def endpoint(request: Request) -> Response:
            if not same_origin(request):
                return PlainTextResponse("This was sent by another site. Open the page itself and do it there.", 403)
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM:
                    return PlainTextResponse(f"A form has up to {MAX_FORM} bytes.", 413)
            form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None))
            return await run_in_threadpool(self._answer, request, lambda viewer: save(request, viewer, form))

        return endpoint

    def _answer(self, request: Request, page: Callable[[Viewer], Response]) -> Response:
        viewer = self.viewer(request)
        if isinstance(viewer, Response):
            return viewer
        if not isinstance(viewer, Viewer):
            raise UsageError(
                f"`viewer` gave {type(viewer).__name__}. It is a plain function that gives a Viewer or, for whoever "
                "may see nothing, a Response: RedirectResponse('/sign-in'), say."
            )
        try:
            return page(viewer)
        except Error as error:  # the disk is full, the file is damaged: a page that says so, not a stack trace
            return self._failed(request, viewer, error)

    def _failed(self, request: Request, viewer: Viewer, error: Error) -> Response:
        """An error may name files and others' entries: not to an organization, but that its own search is too slow."""
        logger.error("A page could not be shown: %s", error)
        told = viewer.organization is None or isinstance(error, SlowSearchError)
        values = {"error": error if told else "Whoever runs this service has to look at it."}
        return self.show(request, "The log cannot be used", "failure.html", values, 503)

    def show(self, request: Request, title: str, template: str, values: dict[str, Any], status: int = 200) -> Response:
        head = self.render(request, "head.html", {})
        page = Page(title=title, head=head, body=self.render(request, template, values))
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}  # an address may say who looks
        return HTMLResponse(self._shell(request, page), status, headers=headers)

    def render(self, request: Request, template: str, values: dict[str, Any]) -> str:
        base = request.scope.get("root_path", "")
        return _templates.get_template(template).render(base=base, version=_VERSION, found=self._found(), **values)

    def missing(self, request: Request, _viewer: Viewer) -> Response:
        """What is not there, or not for this viewer: they cannot tell which. What is pressed twice is gone already."""
        seq, pressed = request.path_params.get("seq", "")[:40].replace("\0", "\ufffd"), request.method == "POST"
        title = "Not there any more" if pressed else "No such entry" if seq else "No such page"
        return self.show(request, title, "missing.html", {"title": title, "seq": seq, "pressed": pressed}, 404)

    def managing(self, show: Show) -> Callable[[Request], Any]:
        """A page for who manages."""
        return self.page(lambda request, viewer: self._managed(request, viewer, lambda: show(request, viewer)))

    def managing_form(self, save: Save) -> Callable[[Request], Any]:
        return self.form(
            lambda request, viewer, form: self._managed(request, viewer, lambda: save(request, viewer, form))
        )

    def _managed(self, request: Request, viewer: Viewer, answer: Callable[[], Response]) -> Response:
        """For who may not manage nothing is here; nor is what another organization has."""
        try:
            return answer() if viewer.manages else self.missing(request, viewer)
        except NotFoundError:
            return self.missing(request, viewer)

    @staticmethod
    def go(request: Request, path: str) -> Response:
        """To the page that shows the result; asking for that again does nothing twice."""
        return RedirectResponse(
            f"{request.scope.get('root_path', '')}{path}", 303, headers={"Cache-Control": "no-store"}
        )


SOURCE = "audit page"  # in entries of what is done here


def by_of(request: Request, viewer: Viewer) -> By:
    """Who does something here."""
    return By(actor=viewer.actor, organization=viewer.organization, context=context_of(request, SOURCE))


def once(form: Form) -> str:
    """What a form carries so that it adds one thing, however often it is sent; made with the page."""
    return form.get("once") or chance.token_hex(16)


def same_origin(request: Request) -> bool:
    """The browser says where a request comes from; what says nothing is none."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""
    except ValueError:
        return False


def _plain_shell(_request: Request, page: Page) -> str:
    """A whole document, for hosts that bring no frame of their own."""
    return _templates.get_template("shell.html").render(page=page)


def _version() -> str:
    """Changes with any static file, so that browsers may keep them for as long as they like."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]


_VERSION = _version()
