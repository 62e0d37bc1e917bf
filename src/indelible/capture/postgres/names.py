"""What is ours in the application's database, and how names and texts are written in SQL."""

SCHEMA = "indelible"
PREFIX = "indelible_"  # of our triggers
FIRST = "!indelible_"  # of those that run before the application's: triggers go by name


def quote(identifier: str) -> str:
    """An SQL identifier. NUL cannot be in one."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string, whatever standard_conforming_strings says."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
