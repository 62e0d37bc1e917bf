"""Work beside a log in PostgreSQL: a schema of its own in the same database."""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from indelible.background import Hold
from indelible.errors import LogError, UsageError
from indelible.store.postgres.connection import MOMENTS, SECONDS, STAYS, Database
from indelible.work.promise import Row
from indelible.work.sql import FORMAT, inserts, migration, queries, schema

SCHEMA = "indelible_work"
SQL = {name: re.sub(r":(\w+)", r"%(\1)s", text).encode() for name, text in queries().items()}
# A machine that is gone says no farewell: its locks end within 20 seconds.
LET_GO = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
# What is done again where it is lost (a cursor, a claim) waits for no standby: one that is away would keep keys from
# being looked up, too. See `Statements.last`, and `Database.commit` for the warnings.
SESSION = f"SET synchronous_commit = local; SET client_min_messages = warning; SET lock_timeout = '{SECONDS}s'"
_ALONE = f"SELECT pg_advisory_xact_lock(hashtextextended('{SCHEMA}', 0))"
_MAKE = f"""
{_ALONE};
CREATE SCHEMA {SCHEMA};
SET LOCAL search_path = {SCHEMA};
CREATE TABLE format AS SELECT {FORMAT} AS format;
{{schema}}
GRANT USAGE ON SCHEMA {SCHEMA} TO indelible_writer;
GRANT SELECT ON format TO indelible_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON {{tables}} TO indelible_writer;
"""


class PostgresWork:
    """Keeps `promise.Work`."""

    def __init__(self, url: str) -> None:
        """Made if it is not there. Raises UsageError, LogError if it cannot be, or is of a later version."""
        self._database = Database(url)
        self._lock = threading.Lock()
        self._closed = False
        self._db: Connection[tuple[Any, ...]] | None = None
        with self._connect() as db, self._database.errors():
            self._check_usable(db)
            if not _up_to_date(db):
                raise LogError(f"The schema {SCHEMA} beside {self._database} is of another version. Upgrade.")

    def __str__(self) -> str:
        return f"the schema {SCHEMA} beside {self._database}"

    @contextmanager
    def transaction(self) -> Iterator["_Statements"]:
        with self._lock, self._database.errors():
            db = self._begun()
            try:
                yield _Statements(db, self._database.log)
                self._database.commit(db)
            except BaseException:
                self._let_go(db)
                raise

    def hold(self, what: str) -> Hold | None:
        """On a connection of its own: the server lets go of the lock when that ends."""
        with self._database.errors():
            db = self._connect(MOMENTS)
            db.execute(LET_GO.encode())
            db.execute(STAYS)
            taken = db.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"{SCHEMA}\n{self._database.log}\n{what}",)
            ).fetchall()
        if taken == [(True,)]:
            return _SessionHold(db)
        db.close()
        return None

    def close(self) -> None:
        self._closed = True
        with self._lock:
            if self._db is not None:
                self._db.close()

    def _begun(self) -> Connection[tuple[Any, ...]]:
        """A connection that was lost while it was idle has said nothing yet: another one, then."""
        if self._closed:
            raise LogError(f"{self} was closed here already. Open it again.")
        if self._db is not None and not self._db.closed:
            try:
                self._database.begin(self._db)
            except psycopg.OperationalError:
                self._db.close()
            else:
                return self._db
        self._db = self._connect()
        self._database.begin(self._db)
        return self._db

    def _connect(self, seconds: int = SECONDS) -> Connection[tuple[Any, ...]]:
        db = self._database.connect(seconds)
        db.execute(f"SET search_path = {SCHEMA}, pg_catalog; {SESSION}".encode())
        return db

    def _check_usable(self, db: Connection[tuple[Any, ...]]) -> None:
        """Made, if it is not there. One that may not be used the path passes over, as if there were no tables."""
        try:
            _make(db)
        except psycopg.errors.InsufficientPrivilege as error:
            raise LogError(
                f"This user may not make the schema {SCHEMA} beside {self._database}: {error.diag.message_primary}. "
                "Open it once as the owner of the log: indelible webhooks list postgresql://…"
            ) from error
        if db.execute("SELECT has_schema_privilege(%s, 'USAGE')", (SCHEMA,)).fetchall() != [(True,)]:
            raise LogError(
                f"This user may not use the schema {SCHEMA} beside {self._database}. An owner may say: "
                "GRANT indelible_writer TO …"
            )

    @staticmethod
    def _let_go(db: Connection[tuple[Any, ...]]) -> None:
        try:
            db.rollback()
        except psycopg.Error:
            db.close()


class _Statements:
    def __init__(self, db: Connection[tuple[Any, ...]], log: str) -> None:
        self._db = db
        self._log = {"log": log}

    def last(self) -> None:
        self._db.execute("SET LOCAL synchronous_commit = on")

    def run(self, name: str, /, **values: Any) -> list[Row]:
        """Raises UsageError for what no text of PostgreSQL can hold, with nothing done."""
        for given, value in values.items():
            if isinstance(value, str) and "\0" in value:
                raise UsageError(
                    f"{given}: it has a NUL (U+0000) in it, which PostgreSQL keeps in no text. Leave it out."
                )
        cursor = self._db.execute(SQL[name], self._log | values)
        return list(cursor.fetchall()) if cursor.description else []

    def many(self, name: str, rows: Iterable[dict[str, Any]], /) -> None:
        every = (self._log | row for row in rows)
        if not SQL[name].startswith(b"INSERT"):
            self._db.cursor().executemany(SQL[name], list(every))
            return
        for text, values in inserts(name, every, "%s"):
            self._db.execute(text.encode(), values)


class _SessionHold:
    """An advisory lock of a session."""

    def __init__(self, db: Connection[tuple[Any, ...]]) -> None:
        self._db = db

    def kept(self) -> bool:
        try:
            self._db.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def release(self) -> None:
        self._db.close()


def _make(db: Connection[tuple[Any, ...]]) -> None:
    """Of two that try at once one waits for the other, and finds it made.

    Also who finds it there waits for a moment: PostgreSQL shows what was committed before it tells other sessions, who
    would not find the tables yet, by a path that they resolved when the schema was not there.
    """
    if _there(db):
        with db.transaction():
            db.execute(_ALONE.encode())
        return
    tables = ", ".join(re.findall(r"CREATE TABLE (\w+)", schema()))
    try:
        with db.transaction():
            db.execute(_MAKE.format(schema=schema(), tables=tables).encode())
    except psycopg.errors.DuplicateSchema:
        return


def _up_to_date(db: Connection[tuple[Any, ...]]) -> bool:
    """By all steps or none; of two that begin, the second finds it done. False: it is of a later version."""
    if _format(db) == FORMAT:
        return True
    with db.transaction():
        db.execute(_ALONE.encode())
        for step in range(_format(db) + 1, FORMAT + 1):
            tables = ", ".join(re.findall(r"CREATE TABLE (\w+)", migration(step)))
            grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO indelible_writer;" if tables else ""
            db.execute(f"{migration(step)}; {grant} UPDATE format SET format = {step}".encode())
    return _format(db) == FORMAT


def _format(db: Connection[tuple[Any, ...]]) -> int:
    ((found,),) = db.execute("SELECT format FROM format").fetchall()
    return int(found)


def _there(db: Connection[tuple[Any, ...]]) -> bool:
    return db.execute("SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,)).fetchall() == [(True,)]
