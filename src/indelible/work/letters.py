"""Mails: written down together with what they tell of, and sent by whoever has a mail server.

A letter that the server took, and that was not yet forgotten when this was killed, is sent again with the same
Message-ID.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from indelible.errors import MailError
from indelible.work.promise import Statements, Work

LONGEST = 5.0  # seconds in which a round begins with letters: other jobs wait for it, and who stops the server
MINUTE = 60
SCHEDULE = (MINUTE, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE, 720 * MINUTE, 1440 * MINUTE)  # seconds from try to try

Send = Callable[[EmailMessage], None]  # raises MailError


@dataclass(frozen=True, kw_only=True)
class Letter:
    """`id` says what it is about: the same is written once, however often it is tried."""

    id: str
    recipient: str
    subject: str
    plain: str
    html: str | None = None
    unsubscribe: str | None = None


GiveUp = Callable[[Statements, Letter, MailError], None]  # within the transaction that forgets it


def write_letter(statements: Statements, letter: Letter, due_at: int) -> None:
    """Within the transaction of what it tells of. `due_at`: microseconds since 1970."""
    statements.run(
        "add_letter", id=letter.id, recipient=letter.recipient, subject=letter.subject, plain=letter.plain,
        html=letter.html, unsubscribe=letter.unsubscribe, due_at=due_at,
    )  # fmt: skip


def send_due(work: Work, send: Send, give_up: GiveUp) -> int:
    """Gives how many were taken. What is refused for good, or too often, is given up: `give_up` notes that.

    What a slow server leaves no time for is still due. Raises LogError; MailError in the end, if one of them was not
    taken.
    """
    with work.transaction() as statements:
        due = statements.run("due_letters", now=_now())
    began, failures = time.monotonic(), list[MailError | None]()
    for row in due:
        if time.monotonic() - began > LONGEST:
            break
        failures.append(_send(work, send, give_up, Letter(**dict(zip(_FIELDS, row[:6], strict=True))), row[6]))
    for failure in filter(None, failures):
        raise failure
    return len(failures)


_FIELDS = ("id", "recipient", "subject", "plain", "html", "unsubscribe")


def _send(work: Work, send: Send, give_up: GiveUp, letter: Letter, attempts: int) -> MailError | None:
    failure = _tried(send, letter)
    with work.transaction() as statements:
        if failure is None:
            statements.run("drop_letter", id=letter.id)
        elif failure.permanent or attempts >= len(SCHEDULE):
            statements.run("drop_letter", id=letter.id)
            give_up(statements, letter, failure)
        else:
            later = _now() + SCHEDULE[attempts] * 1_000_000
            statements.run(
                "postpone_letter", id=letter.id, attempts=attempts + 1, due_at=later, failure=str(failure)[:500]
            )
    return failure


def _tried(send: Send, letter: Letter) -> MailError | None:
    """A host's own way of sending may fail in ways of its own."""
    try:
        send(message_of(letter))
    except MailError as error:
        return error
    except Exception as error:  # noqa: BLE001 - see above
        return MailError(f"The mail to {letter.recipient} was not taken: {error}")
    return None


def message_of(letter: Letter) -> EmailMessage:
    """Text and HTML; RFC 8058 where one may unsubscribe with a click."""
    message = EmailMessage()
    message["To"], message["Subject"] = letter.recipient, letter.subject
    message["Message-ID"] = f"<{hashlib.sha256(letter.id.encode()).hexdigest()[:32]}@indelible>"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.plain)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    return message


def _now() -> int:
    return time.time_ns() // 1000
