"""From a log's URL to the work beside it."""

from indelible.errors import UsageError
from indelible.urls import is_postgres, sqlite_path
from indelible.work.promise import Work
from indelible.work.sqlite import SQLiteWork


def open_work(log_url: str) -> Work:
    """Made if it is not there; the log is. Raises UsageError, LogError."""
    if not is_postgres(log_url):
        path = sqlite_path(log_url)
        return SQLiteWork(path.with_name(path.name + ".work"))
    try:
        from indelible.work.postgres import PostgresWork
    except ImportError as error:
        raise UsageError("PostgreSQL needs one more package: pip install 'indelible[postgres]'") from error
    return PostgresWork(log_url)
