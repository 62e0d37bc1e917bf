"""INDELIBLE in the project's settings: every key has a default that works."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from indelible.errors import UsageError
from indelible.event import Actor
from indelible.integrations.request import Door
from indelible.urls import is_postgres, sqlite_path

LABEL = "indelible"  # of the Django app
ALL, MIGRATIONS = "all", "migrations"


@dataclass(frozen=True)
class Settings:
    """The keys of INDELIBLE, in the words of the settings file."""

    LOG: str = ""  # default: audit.db beside BASE_DIR's files
    MAP: str | Path | None = None  # a TOML file; see docs/map.md
    BASELINE: bool = True  # the rows that are there when watching begins are recorded too
    STRICT: bool = False  # the database refuses a change that nobody claims
    DATABASES: Sequence[str] = ("default",)
    WATCH: str = ALL  # or "migrations": only what a Watch operation names
    SEAL: bool = True  # in a thread of each process that serves requests
    SOURCE: str = "django"  # what entries name as the program that acted
    ACTOR: str | Callable[[Any], Actor | None] = "indelible.integrations.django.users.actor_of"
    TRUSTED_PROXIES: Sequence[str] = ()  # addresses and networks whose PROXY_HEADER is believed
    PROXY_HEADER: str = "X-Forwarded-For"
    REQUEST_ID_HEADER: str = "X-Request-ID"

    @property
    def map_path(self) -> Path | None:
        return in_base(Path(self.MAP)) if self.MAP else None

    @property
    def log(self) -> Path | str:
        """Its file, or the URL of its database. Raises UsageError for what is no URL."""
        return self.LOG if is_postgres(self.LOG) else in_base(sqlite_path(self.LOG or "sqlite:///audit.db"))

    @property
    def door(self) -> Door:
        """How requests come in. Raises UsageError for a proxy that is no address."""
        return Door(self.SOURCE, self.TRUSTED_PROXIES, self.PROXY_HEADER, self.REQUEST_ID_HEADER)

    @property
    def actor(self) -> Callable[[Any], Actor | None]:
        """From the project's user to who acts. Raises UsageError."""
        if callable(self.ACTOR):
            return self.ACTOR
        try:
            found: Callable[[Any], Actor | None] = import_string(self.ACTOR)
        except ImportError as error:
            raise UsageError(f"INDELIBLE['ACTOR'] = {self.ACTOR!r} cannot be imported: {error}.") from error
        return found


def configured() -> Settings:
    """What the project says. Raises UsageError for a key or a value that means nothing."""
    given = getattr(settings, "INDELIBLE", {})
    names = [field.name for field in fields(Settings)]
    if unknown := [key for key in given if key not in names]:
        raise UsageError(f"INDELIBLE[{unknown[0]!r}] is no setting. There are {', '.join(names)}.")
    made = Settings(**given)
    if isinstance(made.DATABASES, str) or isinstance(made.TRUSTED_PROXIES, str):
        raise UsageError("INDELIBLE's DATABASES and TRUSTED_PROXIES are lists, as ['default'].")
    if made.WATCH not in (ALL, MIGRATIONS):
        raise UsageError(f"INDELIBLE['WATCH'] is {made.WATCH!r}. Give {ALL!r} or {MIGRATIONS!r}.")
    return made


def watched(alias: str) -> bool:
    """Settings that cannot be read are said by a check; until then nothing is watched."""
    try:
        return alias in configured().DATABASES
    except (UsageError, TypeError):
        return False


def in_base(path: Path) -> Path:
    """Where the server was started from must not decide which log is written."""
    return Path(getattr(settings, "BASE_DIR", ".")).absolute() / path
