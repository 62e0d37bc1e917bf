"""From what was typed to what the commands work on; each refusal is one sentence with its remedy."""

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from indelible.errors import UsageError
from indelible.event import Actor, Context
from indelible.export.bundle import write_bundle
from indelible.files import beside
from indelible.log import Log
from indelible.search.moment import WRITTEN, parse_moment
from indelible.search.query import Query, forward, parse
from indelible.work.announcements import By

SOURCE = "command line"  # in entries of what is done here


def account() -> Actor:
    """Who is at the command line proved to nobody who they are: entries say whose account it was."""
    return Actor(type="unknown", id=getpass.getuser())


def by_account() -> By:
    return By(actor=account(), context=Context(source=SOURCE))


def query_of(text: str, since: str | None, until: str | None) -> Query:
    """Raises QueryError, UsageError."""
    query = parse(text, datetime.now(UTC))
    return forward(query.within(moment_of("--since", since), moment_of("--until", until)))


def moment_of(option: str, text: str | None) -> datetime | None:
    """Raises UsageError."""
    moment = parse_moment(text, datetime.now(UTC), end=option != "--since") if text else None
    if text and moment is None:
        raise UsageError(f"{option} {text!r} is no date or time. Write {WRITTEN}.")
    return moment


def wrote(path: Path | None) -> str:
    """What will have been done to a file when it is written: what was there is gone then."""
    return f"Replaced {path}" if path is not None and path.is_file() else f"Wrote {path}"


def write_proof(log: Log, path: Path | None, organization: str | None, query: Query) -> int:
    """The bundle, all of it or nothing; gives the number of entries."""
    if path is None:
        raise UsageError("--proof makes a ZIP file: give -o FILE.zip.")
    try:
        with beside(path.resolve()) as made:
            with made.open("wb") as file:
                size = write_bundle(log, file, organization, None if query == Query() else query)
            made.replace(path.resolve())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return size


def write_whole(path: Path, chunks: Iterator[bytes]) -> None:
    """The whole file or none: written beside it, then renamed. Tell of it with what `wrote` said before."""
    path = path.resolve()  # what a link points to is written, not the link
    try:
        if path.exists() and not path.is_file():  # a pipe or a device takes what comes
            with path.open("wb") as file:
                file.writelines(chunks)
            return
        with beside(path) as made:
            with made.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            made.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
