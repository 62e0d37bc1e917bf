"""The URLs that name databases, and what the path of a request names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from indelible.errors import UsageError

_LOST = {".", ".."}  # in a path: whoever asks resolves them


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`. Raises UsageError."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path == ":memory:" or "\0" in path:
        raise UsageError(f"{shown(url)} cannot be used. Give sqlite:///path/file.db or postgresql://user@host/name.")
    return Path(path)


def is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


def without_password(url: str) -> str:
    """As it may be typed where the password is known by other ways."""
    parts = urlsplit(url)
    if "@" in parts.path + parts.query + parts.fragment:  # a password that is not spelled as an address has it
        return shown(url)
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(each for each in parts.query.split("&") if "password" not in each.partition("=")[0].lower())
    if query == parts.query and ":" not in user:
        return url
    return parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=query).geturl()


def shown(url: str) -> str:
    """A URL for a message: without what may be a password."""
    return repr(url.split("://", maxsplit=1)[0] + "://…" if "@" in url or "password" in url else url[:200])


def entity_named(scope: Mapping[str, Any]) -> tuple[str, str]:
    """(type, id) of a request (ASGI scope) for a route that ends in `{type}/{id:path}`.

    A type may have a slash, escaped in the path: servers hand that over as it came (`raw_path`). Where one does not,
    or a proxy took the escape away, the type ends at the first slash.
    """
    type_, id_ = scope["path_params"]["type"], scope["path_params"]["id"]
    parts = scope.get("raw_path", b"").decode("ascii", "replace").split("/")
    for first in reversed(range(len(parts) - 1)):  # what it is mounted below stands before it
        named = unquote(parts[first]), unquote("/".join(parts[first + 1 :]))
        if "/".join(named) == f"{type_}/{id_}":
            return named
    return type_, id_


def id_named(path: str, behind: str) -> str:
    """What `rest_of_path` wrote: the end of a path, and the `id` behind it."""
    return path or unquote(behind)


def entity_path(type_: str, id_: str) -> str:
    """`type/id` as the end of a path. A type that a path cannot have stands behind it, as such an id does."""
    if type_ not in _LOST and "\n" not in type_:
        return f"{quote(type_, safe='')}/{rest_of_path(id_)}"
    return f"-/?type={quote(quote(type_, safe=''))}&id={quote(quote(id_, safe=''))}"


def rest_of_path(text: str) -> str:
    """An id as the end of a path. Slashes stay, which proxies like better, but beside what browsers would resolve.

    Dots alone they resolve however they are written, and at a line break the routes of hosts end: such an id stands
    behind the path. There it is escaped once more, as forms would write a line break in their own way.
    """
    if text in _LOST or "\n" in text:
        return f"?id={quote(quote(text, safe=''))}"
    return quote(text, safe="" if _LOST & {*text.split("/")} else "/")
