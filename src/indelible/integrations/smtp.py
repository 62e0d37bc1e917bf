"""Mail over SMTP, for digests and for hosts that send their own: smtp://user:password@host:587, or smtps://."""

import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from indelible.errors import MailError, UsageError

__all__ = ["Mailer"]

SECONDS = 10  # for each step of a conversation
PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, kw_only=True, repr=False)
class Mailer:
    """An account at a mail server. `tls`: from the first byte on (RFC 8314); else where the server offers it."""

    tls: bool
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
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError:
            port = None
        if not parts.hostname or not port or parts.scheme not in PORTS:
            raise UsageError(
                "This is no address of a mail server. Give smtp://host:port or smtp://user:password@host:port; "
                "smtps:// where it speaks TLS from the beginning."
            )
        return cls(
            tls=parts.scheme == "smtps",
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
            with closing(self._connect()) as server:
                self._log_in(server)
                server.send_message(message)
                with suppress(OSError, smtplib.SMTPException):  # it has the mail, whatever it says to that
                    server.quit()
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(
                f"The mail server {self._where} did not take the mail to {message['To']}: {error}.",
                permanent=_permanent(error),
            ) from error

    @property
    def _where(self) -> str:
        return f"{self.host}:{self.port}"

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=SECONDS)

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        safe = self.tls or _is_here(self.host)
        if not self.tls and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            safe = True
        if self.user is None:
            return
        if not safe:
            raise MailError(
                f"The mail server {self._where} offers no TLS, and a password would go there in clear text: nothing "
                "was sent. Give a port that has STARTTLS (587), or smtps://, or no user and password."
            )
        server.login(self.user, self.password or "")


def _is_here(host: str) -> bool:
    """What is sent there leaves this machine not at all."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sender(parts: SplitResult) -> str:
    """The account's own address when it is one; a mail server rarely takes another's."""
    user = unquote(parts.username or "")
    return user if "@" in user else f"audit@{parts.hostname}"


def _permanent(error: Exception) -> bool:
    """RFC 5321 4.2.1: 5yz to this recipient; it will be the same tomorrow."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())  # noqa: PLR2004
    return False
