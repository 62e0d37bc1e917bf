"""Every error of this package. Each message says what happened, with the values, then what to do."""

WINDOW = 200  # characters of a query shown in an error


class Error(Exception):
    """The root: catching it catches everything Indelible raises on purpose."""

    exit_code = 1  # what the command line answers; see `indelible --help`


class UsageError(Error):
    """A URL, a setting or a map that cannot be used as it was given."""

    exit_code = 2


class EventError(Error):
    """An event that cannot become an entry; `field` names the offending field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class TakenError(EventError):
    """An id that another event in the log has already."""

    def __init__(self) -> None:
        super().__init__("id", "another event has this id, or was sent with this key. Nothing was recorded.")


class RepeatedError(UsageError):
    """What was asked for once, and done, is asked for again; `id` is that of what is there."""

    def __init__(self, message: str, id_: str) -> None:
        super().__init__(message)
        self.id = id_


class AddressError(UsageError):
    """An address that this server is not to connect to."""


class QueryError(Error):
    """A search that cannot be read; `position` is the index of the offending character."""

    exit_code = 2

    def __init__(self, message: str, query: str, position: int) -> None:
        super().__init__(message)
        self.query = query
        self.position = position

    def pointer(self) -> tuple[str, str]:
        """The part of the query around the character, and the spaces that stand before it in that part."""
        start = max(0, self.position - WINDOW // 2) if len(self.query) > WINDOW else 0
        return self.query[start : start + WINDOW], " " * (self.position - start)

    def __str__(self) -> str:
        shown, spaces = self.pointer()
        return f"{self.args[0]}\n  {shown}\n  {spaces}^"


class SlowSearchError(Error):
    """A search that went on for too long: what it looks for is rare, and not yet, or not to be, in the index."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"This search was stopped after {seconds:g} seconds. Narrow it: to a range, as since:30d, or by another "
            "term, as action:, user: or entity:."
        )


class MapError(UsageError):
    """The action map names something that is not there, or says it in a way that cannot be read."""


class CaptureError(Error):
    """A table or a database that cannot be watched."""


class CoverageError(Error):
    """Tables that are not watched as they were left, or rows that the log does not account for."""

    exit_code = 3


class NotFoundError(Error):
    """A log, a file or an entry that does not exist."""

    exit_code = 4


class MailError(Error):
    """A mail that was not taken; `permanent`: nor will it be tomorrow."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class LogError(Error):
    """The log's own file cannot be read or written."""


class ConflictError(LogError):
    """Somebody else appended first. Nothing was written; the pass starts again."""


class MalformedError(Error):
    """A note, checkpoint or key that does not parse. One error for every way of being wrong."""


class VerificationError(Error):
    """The log is not what was signed. `seq` is the first bad entry, where one can be named."""

    exit_code = 3

    def __init__(self, kind: str, message: str, seq: int | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.seq = seq
