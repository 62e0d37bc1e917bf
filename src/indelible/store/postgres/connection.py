"""Connections to the database that a log is in, and what their errors mean."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import Connection, errors

from indelible.errors import ConflictError, LogError, NotFoundError, UsageError, VerificationError
from indelible.store.postgres.sql import queries
from indelible.urls import shown

SECONDS = 10  # to connect, and to wait for somebody else who appends, or for a standby
MOMENTS = 3  # seconds to connect, in a thread that a server waits for when it stops
DEFAULT_NAME = "audit"
# A machine that is gone says no farewell; what waits for it hears of it within 20 seconds. (TCP; milliseconds.)
NOTICED = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
# Of a connection that is idle by design. Before PostgreSQL 14 there is no such setting.
STAYS = b"SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'"
Rows = list[tuple[Any, ...]]
SQL = {name: text.encode() for name, text in queries().items()}


class Database:
    """Where a log is: a database and, as one may hold several, the log's name there (`?log=NAME`)."""

    def __init__(self, url: str) -> None:
        """Raises UsageError for a URL that psycopg cannot read, or a name that is none."""
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True)
        self.log = dict(options).get("log", DEFAULT_NAME)
        self._conninfo = urlunsplit(
            parts._replace(query=urlencode([(k, v) for k, v in options if k != "log"], quote_via=quote))
        )
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", self.log):
            raise UsageError(f"{self.log[:80]!r} cannot name a log: up to 63 of a-z, 0-9, - and _ are taken.")
        try:
            told = psycopg.conninfo.conninfo_to_dict(self._conninfo)
        except psycopg.ProgrammingError:
            raise UsageError(f"{shown(url)} cannot be used. Give postgresql://user@host/name, or a socket.") from None
        noticed = {name: value for name, value in NOTICED.items() if name not in told}
        self._conninfo = psycopg.conninfo.make_conninfo(self._conninfo, **noticed)
        self._waits = False
        self.several = "," in str(told.get("host", ""))  # machines: a connection may lead to any of them
        self._where = f"{told.get('dbname') or told.get('user') or 'the default database'}"

    def __str__(self) -> str:
        """For messages; without what may be a password."""
        return f"the log {self.log} in the database {self._where}"

    def connect(self, seconds: int = SECONDS) -> Connection[tuple[Any, ...]]:
        """In autocommit; named so that whoever looks at the server knows it. Raises LogError."""
        try:
            db = Connection.connect(
                self._conninfo, autocommit=True, connect_timeout=seconds, application_name="indelible",
                client_encoding="UTF8",
            )  # fmt: skip
        except psycopg.Error as error:
            raise LogError(
                f"PostgreSQL cannot be reached: {_said(error)}. Look at host, port, user and database."
            ) from error
        try:
            self._check_names(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check_names(self, db: Connection[tuple[Any, ...]]) -> None:
        """Functions and operators of a schema that stands before PostgreSQL's own would answer in their place."""
        with self.errors():
            ((schemas,),) = db.execute("SELECT pg_catalog.current_schemas(true)").fetchall()
        first = next((each for each in schemas if not each.startswith("pg_temp_")), "")  # which has none
        if first != "pg_catalog":
            raise LogError(
                f"{self} is not asked: this user looks for names in the schema {first!r} before pg_catalog, and what "
                "is there would answer for PostgreSQL. Leave pg_catalog out of search_path: it comes first by itself."
            )

    def begin(self, db: Connection[tuple[Any, ...]], begin: str = "BEGIN") -> None:
        """Whether there is a standby to wait for is asked each time: an administrator may say so at any moment."""
        cursor = db.execute(f"{begin}; SHOW synchronous_standby_names".encode())
        while cursor.nextset():
            pass
        self._waits = cursor.fetchone() != ("",)

    def commit(self, db: Connection[tuple[Any, ...]]) -> None:
        """A connection that is lost here leaves it open whether it is done. Raises LogError.

        So does a warning: who waits for a synchronous standby and is told to stop that has committed, and the server
        calls it a success. It is told so here, too, after a while: the server itself would have it wait for ever.
        """
        warnings = list[str | None]()

        def noticed(notice: errors.Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(notice.message_primary)

        db.add_notice_handler(noticed)
        enough = threading.Timer(SECONDS, _stop_waiting, (db,))
        if self._waits:
            enough.start()
        try:
            db.execute("COMMIT")
        except psycopg.OperationalError as error:
            raise LogError(
                f"The connection to {self} was lost at a commit: what was written is there, or it is not. Look for it "
                "before it is written again."
            ) from error
        finally:
            enough.cancel()
            if self._waits:
                enough.join()  # it is not to stop what comes next on this connection
            db.remove_notice_handler(noticed)
        if warnings:
            raise LogError(
                f"{self} has committed, and its standby may lack it: {warnings[0]}. Look at the standby. An event that "
                "is sent again, with its id, is acknowledged once that has it."
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What psycopg raises becomes an error of ours."""
        try:
            yield
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise NotFoundError(f"There is no log: {self}. Create it: indelible init postgresql://…") from error
        except errors.InsufficientPrivilege as error:
            remedy = "An owner may say: GRANT indelible_writer TO …, or indelible_reader."
            raise LogError(f"This user may not do that with {self}: {_said(error)}. {remedy}") from error
        except errors.UniqueViolation as error:
            raise LogError(f"{self} refused: entries are appended in order, each once ({_said(error)}).") from error
        except errors.LockNotAvailable as error:
            raise LogError(f"Somebody else has been appending to {self} for {SECONDS} s. Try again.") from error
        except (errors.SerializationFailure, errors.DeadlockDetected) as error:
            raise ConflictError(f"Somebody else was faster to write to {self}: {_said(error)}.") from error
        except (errors.DataCorrupted, errors.IndexCorrupted) as error:
            raise VerificationError(
                "changed", f"{self} is damaged: {_said(error)}. Restore the newest copy."
            ) from error
        except psycopg.Error as error:
            raise LogError(f"{self} cannot be used: {_said(error)}.") from error


def _stop_waiting(db: Connection[tuple[Any, ...]]) -> None:
    with suppress(psycopg.Error):
        db.cancel_safe(timeout=SECONDS)


def _said(error: psycopg.Error) -> str:
    """The first line: what follows may show values."""
    return (error.diag.message_primary or str(error)).strip().split("\n", 1)[0].rstrip(".")
