"""Mails, written down together with what they tell of, and sent by whoever has a mail server."""

from dataclasses import dataclass

from indelible.work.promise import Statements


@dataclass(frozen=True, kw_only=True)
class Letter:
    """`id` says what it is about: the same is written once, however often it is tried."""

    id: str
    recipient: str
    subject: str
    plain: str
    html: str | None = None
    unsubscribe: str | None = None


def write_letter(statements: Statements, letter: Letter, due_at: int) -> None:
    """Within the transaction of what it tells of. `due_at`: microseconds since 1970."""
    statements.run(
        "add_letter", id=letter.id, recipient=letter.recipient, subject=letter.subject, plain=letter.plain,
        html=letter.html, unsubscribe=letter.unsubscribe, due_at=due_at,
    )  # fmt: skip
