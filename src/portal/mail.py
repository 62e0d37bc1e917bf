"""Mail of the portal. Without SMTP_URL there is no mailer, and the page shows the link instead."""

from __future__ import annotations

from email.message import EmailMessage

from indelible import Error
from indelible.integrations.smtp import Mailer
from portal.errors import PortalError, SettingsError


class MailError(PortalError):
    """The mail was not taken. The invitation stands; its link is shown instead."""


def parse_smtp_url(url: str) -> Mailer:
    try:
        return Mailer.parse(url)
    except Error as error:
        raise SettingsError(f"SMTP_URL cannot be used. {error}") from error


def send(mailer: Mailer, to: str, subject: str, body: str) -> None:
    """Raises MailError."""
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    message.set_content(body)
    try:
        mailer.send(message)
    except Error as error:
        raise MailError(str(error)) from error
