"""The URLs that name databases."""

from pathlib import Path
from urllib.parse import urlsplit

from indelible.errors import UsageError


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
