"""Sends mail over SMTP. Without SMTP_URL there is no mailer, and the page shows the link instead."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from portal.errors import PortalError, SettingsError

_TIMEOUT = 10


class MailError(PortalError):
    """The mail was not taken. The invitation stands; its link is shown instead."""


@dataclass(frozen=True, kw_only=True)
class Mailer:
    host: str
    port: int
    user: str | None
    password: str | None
    sender: str

    def send(self, to: str, subject: str, body: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message.set_content(body)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT) as server:
                self._log_in(server)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            where = f"{self.host}:{self.port}"
            raise MailError(f"The mail server {where} did not take the mail to {to}: {error}.") from error

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self.user is not None:
            server.login(self.user, self.password or "")


def parse_smtp_url(url: str) -> Mailer:
    parts = urlsplit(url)
    try:
        port = parts.port or 25
    except ValueError:
        port = 0
    if parts.scheme != "smtp" or not parts.hostname or not port:
        raise SettingsError("SMTP_URL cannot be used. Give it as smtp://host:port or smtp://user:password@host:port.")
    return Mailer(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=_sender(parts),
    )


def _sender(parts: SplitResult) -> str:
    """The account's own address when it is one; a mail server rarely takes another's."""
    user = unquote(parts.username or "")
    return user if "@" in user else f"portal@{parts.hostname}"
