"""What of a database is watched, table by table."""

from typing import Literal, NamedTuple, Self

State = Literal["watched", "excluded", "not covered", "drifted"]


AGAIN = "Run indelible watch again."
DROPPED, ATTACHED = "the table was dropped", "the table became a partition"


class Coverage(NamedTuple):
    """One table. `reason`: why it is excluded, or what drifted and the remedy."""

    table: str
    state: State
    reason: str | None = None

    @classmethod
    def drifted(cls, table: str, found: str) -> Self:
        return cls(table, "drifted", f"{found}. {AGAIN}")

    @property
    def found(self) -> str:
        """What drifted, alone."""
        return (self.reason or "").removesuffix(f". {AGAIN}")

    @property
    def wanted(self) -> bool:
        """Whether it is to be watched, and can be: to bring it up to date, it is watched again."""
        return self.state == "watched" or (self.state == "drifted" and self.found not in (DROPPED, ATTACHED))

    @property
    def clean(self) -> bool:
        return self.state in ("watched", "excluded")


def columns_drifted(then: list[tuple[str, str]], now: list[tuple[str, str]]) -> str | None:
    """What was done to a table's columns, (name, type) each, in words; None if nothing."""
    old, new = dict(then), dict(now)
    said = {
        "added": [name for name in new if name not in old],
        "gone": [name for name in old if name not in new],
        "of another type": [name for name in new if name in old and new[name] != old[name]],
    }
    parts = [f"{', '.join(names)} {what}" for what, names in said.items() if names]
    return f"columns: {'; '.join(parts)}" if parts else None
