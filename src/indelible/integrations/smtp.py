"""Mail over SMTP, for digests and for hosts that send their own: smtp://user:password@host:587."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from indelible.errors import MailError, UsageError

__all__ = ["Mailer"]

SECONDS = 10  # for each step of a conversation


@dataclass(frozen=True, kw_only=True, repr=False)
class Mailer:
    """An account at a mail server."""

    host: str
    port: int
    user: str | None
    password: str | None
    sender: str

    @classmethod
    def parse(cls, url: str) -> "Mailer":
        """Raises UsageError, without the URL: it may hold a password."""
        parts = urlsplit(url)
        try:
            port = parts.port or 25
        except ValueError:
            port = 0
        if parts.scheme != "smtp" or not parts.hostname or not port:
            raise UsageError(
                "This is no address of a mail server. Give smtp://host:port or smtp://user:password@host:port."
            )
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=_sender(parts),
        )

    def send(self, message: EmailMessage) -> None:
        """It is the server's from here on. `From` is filled in. Raises MailError."""
        if "From" not in message:
            message["From"] = self.sender
        try:
            with smtplib.SMTP(self.host, self.port, timeout=SECONDS) as server:
                self._log_in(server)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            where = f"{self.host}:{self.port}"
            raise MailError(
                f"The mail server {where} did not take the mail to {message['To']}: {error}.",
                permanent=_permanent(error),
            ) from error

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self.user is not None:
            server.login(self.user, self.password or "")


def _sender(parts: SplitResult) -> str:
    """The account's own address when it is one; a mail server rarely takes another's."""
    user = unquote(parts.username or "")
    return user if "@" in user else f"audit@{parts.hostname}"


def _permanent(error: Exception) -> bool:
    """RFC 5321 4.2.1: 5yz to this recipient; it will be the same tomorrow."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())  # noqa: PLR2004
    return False
