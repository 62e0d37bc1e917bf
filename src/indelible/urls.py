"""The URLs that name databases."""

from pathlib import Path

from indelible.errors import UsageError


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`. Raises UsageError."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path == ":memory:" or "\0" in path:
        raise UsageError(f"{shown(url)} cannot be used. Give sqlite:///path/file.db or postgresql://user@host/name.")
    return Path(path)


def is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


def shown(url: str) -> str:
    """A URL for a message: without what may be a password."""
    return repr(url.split("://", maxsplit=1)[0] + "://…" if "@" in url or "password" in url else url[:200])
