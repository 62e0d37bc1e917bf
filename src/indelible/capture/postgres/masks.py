"""What stands in the place of a text that is not to be kept: the SQL of it."""

from indelible.capture.definition import Column
from indelible.capture.postgres.names import SCHEMA, literal

SECRET = f"(SELECT s.secret FROM {SCHEMA}.source s)"


def masked(column: Column, text: str, unlike: str, secret: str) -> str:
    """`unlike` tells whether two that are held against each other differ, and nothing else of them."""
    if column.guard:
        return f"CASE WHEN {found(column, text)} THEN '*' || {unlike} ELSE '=' || {text} END"
    if column.mask == "redacted":
        return unlike
    return hashed(text, secret) if column.mask else text


def found(column: Column, text: str) -> str:
    """The condition that one of the kinds of secrets that the column is guarded against is in it."""
    kinds = ", ".join(literal(kind) for kind in column.guard)
    return f"{SCHEMA}.holds_secret({text}, ARRAY[{kinds}])"


def salted(text: str, salt: str) -> str:
    """Equal where the texts are, under one salt."""
    return f"left(encode(sha256({_bytes(f'{salt} || ({text})')}), 'hex'), 16)"


def hashed(text: str, secret: str) -> str:
    """Equal where the texts are, in one database."""
    return f"encode(sha256({secret} || sha256({secret} || {_bytes(text)})), 'hex')"


def _bytes(text: str) -> str:
    """As the database has them: not every letter of every encoding has another in UTF-8."""
    return f"convert_to({text}, getdatabaseencoding())"
