"""What is ours in the application's database, and how a name is written in SQL."""

from collections.abc import Iterable

PREFIX = "indelible_"
OURS = {f"{PREFIX}{name}" for name in ("source", "watch", "context", "outbox", "evicting", "baseline")}
OPERATIONS = ("inserting", "create", "updating", "update", "moved", "delete")  # a trigger's name: of these, the table's
ROWID = ("rowid", "_rowid_", "oid")


def small(name: str) -> str:
    """As SQLite compares names: letters of ASCII alone have two forms."""
    return name.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def rowid(columns: Iterable[str]) -> str | None:
    """The first name of the rowid that no column of the table has; None if there is none."""
    taken = set(map(small, columns))
    return next((name for name in ROWID if name not in taken), None)


def quote(identifier: str) -> str:
    """An SQL identifier. NUL cannot be in one."""
    return '"' + identifier.replace('"', '""').replace("\0", "") + '"'


def held(table: str) -> tuple[str, str]:
    """What the rows that a table has are selected from in a trigger, and called: OLD and NEW are other rows there."""
    if small(table) not in {"old", "new"}:
        return quote(table), quote(table)
    name = quote(f"{PREFIX}held")
    return f"{quote(table)} AS {name}", name
