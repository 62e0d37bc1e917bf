"""SQLAlchemy on SQLite: a row on the outbox's tape says who acts, before a transaction's first write and whenever that
changes; one more, before COMMIT, says that nobody does from there on. A rollback or a crash takes them along.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExecutionContext
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from indelible.capture.context import acting, carry, new_transaction
from indelible.capture.sqlite.carry import CLEAR, NOT_WATCHED, SET
from indelible.integrations import sqlalchemy_alone, statements

_KEY = "indelible_acting"  # in Connection.info: who acts by the tape's last row, None for nobody, or _UNSURE
_UNSURE = object()  # that row may be there or not: a savepoint was rolled back over it, or nothing was written yet
_TRANSACTION = "indelible_transaction"  # and the transaction's id


def attach(engine: Engine, committed: Callable[[], None]) -> None:
    """See `integrations.sqlalchemy.attach`."""

    @event.listens_for(engine, "before_cursor_execute")
    def _before(
        connection: Connection,
        _cursor: Any,
        statement: str,
        _parameters: Any,
        _context: ExecutionContext | None,
        _many: bool,  # noqa: FBT001
    ) -> None:
        if not statements.reads(statement):
            _prepare(connection, statement)

    @event.listens_for(engine, "commit")
    def _commit(connection: Connection) -> None:
        if connection.info.pop(_KEY, None) is not None:
            _driver(connection).execute(CLEAR)
        if connection.info.pop(_TRANSACTION, None) is not None:
            committed()

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Connection) -> None:
        if not connection.invalidated:  # a lost connection has no info to forget
            _forget(connection.info)

    @event.listens_for(engine, "reset")
    def _reset(_driver: Any, record: Any, _state: Any) -> None:
        """Back to the pool: rolled back, whatever state it was in. One that was detached goes nowhere."""
        if record is not None:
            _forget(record.info)

    sqlalchemy_alone.attach(engine, partial(_around, committed))


def _around(
    committed: Callable[[], None], context: Any, cursor: Any, statement: str
) -> AbstractContextManager[None] | None:
    driver, now = context.root_connection.connection.dbapi_connection, acting()
    raw = _raw(driver)
    if now is None or raw.in_transaction or not _autocommits(raw) or not statements.writes_on_sqlite(statement):
        return None
    return _alone(driver, now, context, cursor, committed)


@contextmanager
def _alone(driver: Any, now: str, context: Any, cursor: Any, committed: Callable[[], None]) -> Iterator[None]:
    """A transaction around one write of an engine in autocommit. What it did stays even if it failed halfway."""
    driver.execute("BEGIN IMMEDIATE")
    try:
        told = _told(driver, now, new_transaction())
        yield
        if cursor.description:  # of RETURNING: COMMIT waits for no open statement
            _buffer(context, cursor)
    finally:
        _commit_alone(driver)
    if told:
        committed()


def _commit_alone(driver: Any) -> None:
    raw = _raw(driver)
    try:
        if raw.in_transaction:  # the statement itself may have rolled back
            _told(driver, None)
            driver.execute("COMMIT")
    finally:
        if raw.in_transaction:  # a deferred constraint does not hold
            driver.execute("ROLLBACK")


def _buffer(context: Any, cursor: Any) -> None:
    """The rows, for both ways in which SQLAlchemy comes for them."""
    rows = cursor.fetchall()
    context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, cursor.description, rows)
    context.fetchall_for_returning = lambda _cursor: rows


def _prepare(connection: Connection, statement: str) -> None:
    """Before a statement that may write: the tape says who acts. Before one that may end the transaction: nobody."""
    info, driver = connection.info, _driver(connection)
    if statements.undoes(statement):
        info.update({_KEY: _UNSURE} if _KEY in info else {})
    elif statements.ends(statement):
        if info.get(_KEY) is not None:
            driver.execute(CLEAR)
            info[_KEY] = None
        if statements.commits(statement):
            info.pop(_TRANSACTION, None)
    elif statements.drops(statement) and not _raw(driver).in_transaction:
        pass  # the driver begins nothing for it, so it needs no COMMIT, and is to need none with us
    elif statements.writes_on_sqlite(statement):
        _say(driver, info, acting())


def _say(driver: Any, info: dict[str, Any], now: str | None) -> None:
    """Nobody is said too: a transaction that was committed behind our back may have left its actor on the tape."""
    raw = _raw(driver)
    if not raw.in_transaction:
        _forget(info)  # or the transaction it tells of was ended on the driver
        if _autocommits(raw):
            return  # the row would outlive the statement
    if now is not info.get(_KEY, _UNSURE):
        transaction = info.get(_TRANSACTION) or new_transaction()
        if _told(driver, now, transaction):
            info.update({_KEY: now} if now is None else {_KEY: now, _TRANSACTION: transaction})


def _told(driver: Any, now: str | None, transaction: str = "") -> bool:
    """False where nothing is watched: there is nobody to tell."""
    try:
        driver.execute(*((CLEAR,) if now is None else (SET, (carry(transaction, now),))))
    except sqlite3.OperationalError as error:
        if not NOT_WATCHED.match(str(error)):
            raise
        return False
    return True


def _raw(driver: Any) -> Any:
    """An asynchronous driver stands behind an adapter."""
    return getattr(driver, "driver_connection", driver)


def _autocommits(raw: Any) -> bool:
    """Python 3.12 has an attribute for it; before, and where it says "legacy" (-1), no isolation level means yes."""
    autocommit = getattr(raw, "autocommit", -1)
    return raw.isolation_level is None if autocommit == -1 else bool(autocommit)


def _forget(info: dict[str, Any]) -> None:
    info.pop(_KEY, None)
    info.pop(_TRANSACTION, None)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
