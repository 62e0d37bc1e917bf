"""Django on SQLite: who acts is said before a write, and no more before COMMIT.

Nobody but the writer can see it: SQLite has one, and a rollback or a crash takes it along. A write in autocommit mode
gets a transaction of its own, which leaves behind what the statement alone would have left.
"""

import sqlite3
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from indelible.capture.context import carry, new_transaction
from indelible.capture.sqlite.carry import CLEAR, NOT_WATCHED, SET
from indelible.integrations import statements
from indelible.integrations.django.acting import acting

_UNSURE = object()  # what was said may be there or not: nothing was said yet, or it was rolled back


def attach(connection: Any) -> None:
    """For every statement and every COMMIT of one of Django's connections, now and after it reconnects. Repeatable."""
    if any(isinstance(each, Carrier) for each in connection.execute_wrappers):
        return
    carrier, known = Carrier(), weakref.ref(connection)  # no cycle: a thread's connection closes as the thread ends

    def commit() -> None:
        if (living := known()) is not None:
            carrier.before_commit(living)
            type(living)._commit(living)  # noqa: SLF001 - there is no signal for it

    def rollback() -> None:
        if (living := known()) is not None:
            carrier.forget()
            type(living)._rollback(living)  # noqa: SLF001

    connection._commit, connection._rollback = commit, rollback  # noqa: SLF001
    # In front: `with connection.execute_wrapper(...)` takes away whatever is last.
    connection.execute_wrappers.insert(0, carrier)


class Carrier:
    """What this connection's open transaction carries."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._said: object = _UNSURE
        self._transaction: str | None = None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        cursor, connection = context["cursor"], context["connection"]
        if isinstance(cursor.cursor, Fetched):
            cursor.cursor = cursor.cursor.cursor
        text = statements.text_of(sql, cursor)
        now = None if statements.reads(text) else self._prepare(connection, text)
        if now is not None:
            return self._alone(now, lambda: execute(sql, params, many, context), cursor, connection)
        return execute(sql, params, many, context)

    def before_commit(self, connection: Any) -> None:
        driver = connection.connection
        if driver is not None and driver.in_transaction and isinstance(self._said, str):
            with connection.wrap_database_errors:
                driver.execute(CLEAR)
        self.forget()

    def _prepare(self, connection: Any, text: str | None) -> str | None:
        """Say who acts where that is needed. Gives who does if the statement needs a transaction of its own for it."""
        driver = connection.connection
        if not driver.in_transaction:
            self._heal(driver)
        if statements.undoes(text):
            self._said = _UNSURE
        elif statements.ends(text):
            self._take_back(connection, driver)
        elif statements.writes_on_sqlite(text):
            now = acting()
            if not driver.in_transaction and _autocommits(driver):
                return now
            self._say(connection, driver, now)
        return None

    def _heal(self, driver: Any) -> None:
        """A transaction that was committed on the driver itself may have left its actor to the next writer."""
        if isinstance(self._said, str) and _autocommits(driver):
            driver.execute(CLEAR)
        self.forget()

    def _take_back(self, connection: Any, driver: Any) -> None:
        """Before a typed COMMIT."""
        if isinstance(self._said, str):
            with connection.wrap_database_errors:
                driver.execute(CLEAR)
            self._said = None

    def _say(self, connection: Any, driver: Any, now: str | None) -> None:
        """Where nothing is watched there is nobody to tell."""
        if now is self._said:
            return
        self._transaction = self._transaction or new_transaction()
        with connection.wrap_database_errors:
            try:
                driver.execute(*((CLEAR,) if now is None else (SET, (carry(self._transaction, now),))))
            except sqlite3.OperationalError as error:
                if not NOT_WATCHED.match(str(error)):
                    raise
                return
        self._said = now

    def _alone(self, now: str, execute: Callable[[], Any], cursor: Any, connection: Any) -> Any:
        """One write of autocommit mode, with its actor. What it did stays even if it failed halfway, as without us."""
        driver = connection.connection
        with connection.wrap_database_errors:
            driver.execute("BEGIN IMMEDIATE")
        try:
            self._say(connection, driver, now)
            result = execute()
            rows = cursor.cursor.fetchall() if cursor.cursor.description else None  # COMMIT waits for no open statement
        except BaseException:
            self._commit(connection, driver)
            raise
        self._commit(connection, driver)
        if rows is not None:
            cursor.cursor = Fetched(cursor.cursor, rows)
        return result

    def _commit(self, connection: Any, driver: Any) -> None:
        try:
            if driver.in_transaction:  # the statement itself may have rolled back
                self._take_back(connection, driver)
                with connection.wrap_database_errors:
                    driver.execute("COMMIT")
        finally:
            self.forget()
            if driver.in_transaction:  # a deferred constraint does not hold
                driver.execute("ROLLBACK")


class Fetched:
    """A cursor whose rows (of RETURNING) were read before its transaction was committed."""

    def __init__(self, cursor: Any, rows: list[Any]) -> None:
        self.cursor = cursor
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return list(islice(self._rows, self.cursor.arraysize if size is None else size))

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def _autocommits(driver: Any) -> bool:
    """Python 3.12 has an attribute for it; before, and where it says "legacy" (-1), no isolation level means yes."""
    autocommit = getattr(driver, "autocommit", -1)
    return driver.isolation_level is None if autocommit == -1 else bool(autocommit)
