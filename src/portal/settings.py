"""What the environment and the command line say; read once, at start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import URL

from portal.errors import InvalidError, SettingsError
from portal.inputs import email_address
from portal.mail import parse_smtp_url
from portal.passwords import LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_ADMIN = "admin@northdesk.test"


@dataclass(frozen=True, kw_only=True)
class Settings:
    data: Path
    database_url: str
    audit_url: str
    smtp_url: str | None = None
    public_url: str | None = None  # where links in mails lead; without it, the address the inviter's browser used
    admin_email: str = DEFAULT_ADMIN
    admin_password: str | None = None  # None: one is made up, shown once, and must be changed
    empty: bool = False  # True: no sample data at first start
    job_seconds: float = 5.0
    proxy: str | None = None  # addresses whose X-Forwarded-For and -Proto are believed


def read_settings(data: Path, *, empty: bool = False, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings for this data directory, checked."""
    data = data.absolute()
    settings = Settings(
        data=data,
        database_url=environ.get("DATABASE_URL") or str(URL.create("sqlite", database=str(data / "portal.db"))),
        audit_url=f"sqlite:///{data / 'audit.db'}",
        smtp_url=environ.get("SMTP_URL") or None,
        public_url=(environ.get("PORTAL_URL") or "").rstrip("/") or None,
        admin_email=environ.get("PORTAL_ADMIN_EMAIL") or DEFAULT_ADMIN,
        admin_password=environ.get("PORTAL_ADMIN_PASSWORD") or None,
        empty=empty,
        proxy=environ.get("PORTAL_TRUSTED_PROXY") or None,
        job_seconds=_seconds(environ.get("PORTAL_JOB_SECONDS") or "5"),
    )
    _check(settings)
    return settings


def make_data_directory(data: Path) -> None:
    """Only its owner may look inside: it holds the databases and the signing key."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise SettingsError(f"The data directory {data} cannot be made: {reason}. Name another with --data.") from error
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise SettingsError(f"The data directory {data} cannot be written to. Change its owner, or use another --data.")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 86_400:  # noqa: PLR2004 -- a day
        raise SettingsError(
            f"PORTAL_JOB_SECONDS is {text!r}. Give the seconds between two runs of the jobs, such as 5."
        )
    return seconds


def _check(settings: Settings) -> None:
    try:
        email_address(settings.admin_email)
    except InvalidError as error:
        raise SettingsError(f"PORTAL_ADMIN_EMAIL is {settings.admin_email!r}. {error}") from error
    password, (least, most) = settings.admin_password, LENGTH
    if password is not None and not least <= len(password) <= most:
        raise SettingsError(f"PORTAL_ADMIN_PASSWORD has {len(password)} characters. Give {least} to {most}.")
    if settings.smtp_url:
        parse_smtp_url(settings.smtp_url)
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise SettingsError(f"PORTAL_URL is {settings.public_url!r}. Give an address such as https://portal.acme.test.")
