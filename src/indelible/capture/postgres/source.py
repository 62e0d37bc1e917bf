"""A PostgreSQL database that is watched."""

from psycopg.rows import dict_row

from indelible.capture.coverage import Coverage
from indelible.capture.definition import Definition
from indelible.capture.postgres.connection import connect
from indelible.capture.postgres.coverage import coverage
from indelible.capture.postgres.joined import JoinedPostgres, watching
from indelible.capture.postgres.outbox import PostgresOutbox
from indelible.capture.postgres.snapshot import PostgresSnapshot
from indelible.capture.postgres.watch import watched


class PostgresSource(JoinedPostgres):
    """Keeps `capture.source.Source`."""

    def __init__(self, url: str) -> None:
        """Raises CaptureError if the server cannot be reached."""
        super().__init__(connect(url, dict_row))
        self._url = url

    def watched(self) -> dict[str, Definition]:
        with watching():
            return watched(self._db)

    def coverage(self) -> list[Coverage]:
        with watching():
            return coverage(self._db)

    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self._url)

    def snapshot(self) -> PostgresSnapshot:
        return PostgresSnapshot(self._url, self._db)

    def close(self) -> None:
        self._db.close()
