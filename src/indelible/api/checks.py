"""Fields that the types let through: all that is wrong is told, and not the first alone."""

from collections.abc import Callable
from datetime import UTC, datetime

from indelible.api.problems import Fault, ProblemError
from indelible.errors import QueryError, UsageError
from indelible.search.query import asked


def wrong(**fields: Callable[[], object]) -> dict[str, str]:
    """Each field whose check raises UsageError or QueryError, and why."""
    found = {}
    for name, tried in fields.items():
        try:
            tried()
        except (UsageError, QueryError) as error:
            found[name] = str(error.args[0])
    return found


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
