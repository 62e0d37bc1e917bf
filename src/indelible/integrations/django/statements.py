"""What a statement does, as far as its first words tell. In doubt it writes."""

import re
from typing import Any

_READS = re.compile(r"[\s(]*SELECT\b", re.IGNORECASE)
_CHANGES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|COPY|EXECUTE)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(COMMIT|END|RELEASE)\b", re.IGNORECASE)
_COMMITS = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)
_UNDOES = re.compile(r"\s*ROLLBACK\b", re.IGNORECASE)
_CONTROLS = re.compile(
    r"\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|PREPARE\s+TRANSACTION)\b", re.IGNORECASE
)
# What PostgreSQL refuses inside a transaction, or what ends it by itself.
_ALONE = re.compile(r"\bCONCURRENTLY\b|\A\s*(CALL\b|DO\b.*\b(COMMIT|ROLLBACK)\b)", re.IGNORECASE | re.DOTALL)
_NARROWS = re.compile(r'\s*ALTER\s+TABLE\s+"([^"]+)"\s+DROP\s+COLUMN\b', re.IGNORECASE)
_DEFINES = re.compile(r"\s*(CREATE|ALTER|DROP)\s+TABLE\b", re.IGNORECASE)


def text_of(sql: Any, cursor: Any) -> str | None:
    """The text of a statement; None for what only its driver can write out."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    if hasattr(sql, "as_string"):
        return str(sql.as_string(cursor))
    return None


def reads(text: str | None) -> bool:
    """Only a lone SELECT: another statement may stand behind it."""
    return text is not None and _READS.match(text) is not None and ";" not in text


def changes(text: str | None) -> bool:
    """Nearly all that write, told without reading on: it changes rows, and does so in any transaction."""
    return text is not None and _CHANGES.match(text) is not None


def writes(text: str | None) -> bool:
    return text is None or _WRITES.search(text) is not None


def ends(text: str | None) -> bool:
    """A typed COMMIT. RELEASE commits when no BEGIN came before its savepoint."""
    return text is not None and _ENDS.match(text) is not None


def commits(text: str | None) -> bool:
    return text is not None and _COMMITS.match(text) is not None


def undoes(text: str | None) -> bool:
    """A transaction, or what came after a savepoint."""
    return text is not None and _UNDOES.match(text) is not None


def controls(text: str | None) -> bool:
    """Says something about the transaction or the session, and changes no row."""
    return text is not None and _CONTROLS.match(text) is not None


def stands_alone(text: str | None) -> bool:
    return text is not None and _ALONE.search(text) is not None


def defines(text: str | None) -> bool:
    return text is not None and _DEFINES.match(text) is not None


def narrowed(text: str | None) -> str | None:
    """The table that loses a column, as Django's migrations write it."""
    found = _NARROWS.match(text) if text is not None else None
    return found[1] if found else None
