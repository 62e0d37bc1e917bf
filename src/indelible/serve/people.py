"""Who looks at the pages: whoever has the link that the server printed, or whom a proxy that is believed names."""

import getpass
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from indelible.event import MAX_NAME, Actor
from indelible.serve.settings import Settings
from indelible.viewer import Viewer

COOKIE = "indelible"  # and the port: cookies of one host are every port's
TOKEN = "token"  # noqa: S105 - the parameter's name


class Link:
    """Of one start of the server: its own user, who sees and manages all of it.

    Whoever opens the link has a cookie that says the same, and the address says nothing any more.
    """

    def __init__(self) -> None:
        self._token = secrets.token_urlsafe(24)
        self._cookie = secrets.token_urlsafe(24)

    def address(self, base: str) -> str:
        return f"{base}/?{urlencode({TOKEN: self._token})}"

    def __call__(self, request: Request) -> Viewer | Response:
        if hmac.compare_digest(_cookie(request, _name(request)).encode(), self._cookie.encode()):
            return Viewer(actor=Actor(id=_user(), name=_user()), manages=True)
        given = request.query_params.get(TOKEN, "")
        if request.method == "GET" and hmac.compare_digest(given.encode(), self._token.encode()):
            answer = RedirectResponse(f"{request.scope.get('root_path', '')}/", 303)
            answer.set_cookie(
                _name(request), self._cookie, httponly=True, samesite="lax", secure=request.url.scheme == "https"
            )
            answer.headers["Cache-Control"] = "no-store"
            return answer
        return PlainTextResponse("Open the link that `indelible serve` printed when it started.\n", 401)


class Named:
    """Headers say it; they count only from a proxy that was declared: it has to set each of them, or take it away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, request: Request) -> Viewer | Response:
        settings, client = self._settings, request.client
        if client is None or not _is_among(client.host, settings):
            return PlainTextResponse("This server is reached by its proxy alone.\n", 403)
        try:
            user = _header(request, settings.user_header)
            email = _header(request, settings.email_header)
            organization = _header(request, settings.organization_header)
        except ValueError:
            return PlainTextResponse("The proxy names somebody twice, at too great length, or not in UTF-8.\n", 400)
        if not user:
            return PlainTextResponse("The proxy does not say who you are. Sign in there.\n", 401)
        if settings.organization_header and not organization and user not in settings.managers:
            return PlainTextResponse("The proxy does not say whose entries you may see.\n", 403)
        actor = Actor(id=user, name=user, email=email or (user if "@" in user else None))
        return Viewer(actor=actor, organization=organization or None, manages=user in settings.managers)


def _header(request: Request, name: str) -> str:
    """Its one value; "" where there is none. Raises ValueError for what names nobody."""
    given = request.headers.getlist(name)
    text = "".join(given).encode("latin-1").decode()  # Starlette reads bytes as Latin-1, proxies write UTF-8
    if len(given) > 1 or len(text) > MAX_NAME:
        raise ValueError(name)
    return text.strip()


def _is_among(host: str, settings: Settings) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in settings.proxies)


def _name(request: Request) -> str:
    return f"{COOKIE}-{(request.scope.get('server') or ('', 0))[1]}"


def _cookie(request: Request, name: str) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "local"
