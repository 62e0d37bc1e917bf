"""What a statement does, as far as its first words tell. In doubt it writes."""

import re
from typing import Any

# What may stand before a word, or between two. No letter of it is read twice, so a text of any length is read at once.
BLANK = r"(?:\s|/\*.*?\*/|--[^\n]*)"


def _begins(words: str) -> re.Pattern[str]:
    return re.compile(rf"{BLANK}*+(?:{words})\b", re.IGNORECASE | re.DOTALL)


_READS = re.compile(rf"(?:{BLANK}|\()*+SELECT\b", re.IGNORECASE | re.DOTALL)
_FROM_A_TABLE = re.compile(r'\bFROM "')
# SQLite tells a write by its first word; but for WITH, where it stands behind, and any word may be in a text or a name.
# DROP TABLE deletes rows of others that refer to its own.
_WRITES_ON_SQLITE = _begins(
    rf"INSERT|UPDATE|DELETE|REPLACE|DROP{BLANK}++TABLE"
    rf"|WITH\b.*?\b(?:(?:INSERT|REPLACE){BLANK}++(?:INTO|OR)|UPDATE|DELETE{BLANK}++FROM)"
)
_DROPS = _begins("DROP")
_ENDS = _begins("COMMIT|END|RELEASE")
_COMMITS = _begins("COMMIT|END")
_UNDOES = _begins("ROLLBACK|ABORT")
_CONTROLS = _begins(r"BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|PREPARE\s+TRANSACTION")
# What PostgreSQL refuses inside a transaction, or what ends it by itself.
_ALONE = re.compile(rf"\bCONCURRENTLY\b|\A{BLANK}*+(?:CALL\b|DO\b.*\b(?:COMMIT|ROLLBACK)\b)", re.IGNORECASE | re.DOTALL)
_BEGINS_A_WRITE = _begins(r"INSERT|UPDATE|DELETE|MERGE|TRUNCATE|EXECUTE|DO|WITH\b.*?\b(?:INSERT|UPDATE|DELETE|MERGE)")
# Of a text with more statements in it one may begin or end a transaction, or stand alone.
_TYPED = re.compile(
    r";.*\b(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|VACUUM|CREATE|DROP)\b", re.IGNORECASE | re.DOTALL
)
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


def queries(text: str | None) -> bool:
    """A SELECT as Django's models write it, which names a table in quotes. Of any other, a function may write."""
    return reads(text) and _FROM_A_TABLE.search(str(text)) is not None


def writes_on_sqlite(text: str | None) -> bool:
    """Not in doubt: to say who acts takes the lock of the one writer."""
    return text is None or _WRITES_ON_SQLITE.match(text) is not None


def drops(text: str | None) -> bool:
    return text is not None and _DROPS.match(text) is not None


def ends(text: str | None) -> bool:
    """A typed COMMIT. RELEASE commits when no BEGIN came before its savepoint."""
    return text is not None and _ENDS.match(text) is not None


def commits(text: str | None) -> bool:
    return text is not None and _COMMITS.match(text) is not None


def undoes(text: str | None) -> bool:
    """A transaction, or what came after a savepoint."""
    return text is not None and _UNDOES.match(text) is not None


def controls(text: str | None) -> bool:
    """Says something about the transaction or the session, and changes no row: no other statement stands behind it."""
    return text is not None and _CONTROLS.match(text) is not None and ";" not in text.rstrip("; \n")


def stands_alone(text: str | None) -> bool:
    return text is not None and _ALONE.search(text) is not None


def wants_a_transaction(text: str | None) -> bool:
    """A write that may have one of its own where nothing begins by itself, and which begins and ends none either."""
    if text is None:
        return True
    return _BEGINS_A_WRITE.match(text) is not None and not stands_alone(text) and _TYPED.search(text) is None


def defines(text: str | None) -> bool:
    return text is not None and _DEFINES.match(text) is not None


def narrowed(text: str | None) -> str | None:
    """The table that loses a column, as Django's migrations write it."""
    found = _NARROWS.match(text) if text is not None else None
    return found[1] if found else None
