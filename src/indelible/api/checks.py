"""Fields that the types let through: all that is wrong is told, and not the first alone."""

from collections.abc import Callable
from datetime import UTC, datetime

from indelible.api.problems import Fault, ProblemError
from indelible.search.query import asked
from indelible.wording import wrong


def check(**fields: Callable[[], object]) -> None:
    """Raises ProblemError with all that is wrong."""
    faults = [Fault(said, f"/{name}") for name, said in wrong(**fields).items()]
    if faults:
        raise ProblemError(422, "This cannot be done", " ".join(fault.detail for fault in faults), faults)


def check_search(query: str, since: str, until: str, **others: Callable[[], object]) -> None:
    """Each by itself, and the range that they make. Raises ProblemError."""
    now = datetime.now(UTC)
    check(
        query=lambda: asked(query, "", "", now),
        since=lambda: asked("", since, "", now),
        until=lambda: asked("", "", until, now),
        **others,
    )
    check(**{"until" if until else "since": lambda: asked(query, since, until, now)})
