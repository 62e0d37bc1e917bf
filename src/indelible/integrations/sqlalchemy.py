"""SQLAlchemy: the actor travels inside the transaction, whoever writes: Session, Core or raw text.

Before a transaction's first write one row says who acts; before COMMIT it is gone. Other transactions never
see it: SQLite has one writer, and a rollback or a crash takes the row along.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExecutionContext

from indelible.capture.context import acting, carry, new_transaction
from indelible.capture.sqlite.carry import CLEAR, SET

# Typed as text, or a savepoint's. RELEASE commits when no BEGIN came before the savepoint, as pysqlite has it.
_ENDS = re.compile(r"\s*(COMMIT|END|ROLLBACK|RELEASE)\b", re.IGNORECASE)
_COMMITS = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)
_READS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_KEY = "indelible_acting"  # in Connection.info: who acts, as this transaction carries, or _UNSURE
_UNSURE = object()  # the row may be there or not: a savepoint was rolled back over it
_TRANSACTION = "indelible_transaction"  # and the transaction's id


def attach(engine: Engine, committed: Callable[[], None]) -> None:
    """Make every connection of `engine` carry the actor; call `committed` as a transaction that carried one commits."""

    @event.listens_for(engine, "before_cursor_execute")
    def _before(
        connection: Connection,
        _cursor: Any,
        statement: str,
        _parameters: Any,
        _context: ExecutionContext | None,
        _many: bool,  # noqa: FBT001
    ) -> None:
        if not _READS.match(statement):
            _prepare(connection, statement)

    @event.listens_for(engine, "commit")
    def _commit(connection: Connection) -> None:
        info = connection.info
        if info.pop(_KEY, None) is not None:
            _driver(connection).execute(CLEAR)
            committed()
        info.pop(_TRANSACTION, None)

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Connection) -> None:
        if not connection.invalidated:  # a lost connection has no info to forget
            _forget(connection.info)

    @event.listens_for(engine, "reset")
    def _reset(_driver: Any, record: Any, _state: Any) -> None:
        """Back to the pool: rolled back, whatever state it was in."""
        _forget(record.info)


def _prepare(connection: Connection, statement: str) -> None:
    """Before a statement that may write: the row says who acts. Before one that may end the transaction: no row."""
    info = connection.info
    if _ENDS.match(statement) and _KEY in info:
        _driver(connection).execute(CLEAR)
        info[_KEY] = _UNSURE
        if _COMMITS.match(statement):
            info.pop(_TRANSACTION, None)
        return
    now = acting()
    if now is not info.get(_KEY) and _WRITES.search(statement):
        _set(_driver(connection), info, now)


def _set(driver: Any, info: dict[str, Any], now: str | None) -> None:
    if now is None:
        driver.execute(CLEAR)
    elif driver.in_transaction or not _autocommits(driver):
        driver.execute(SET, (carry(info.setdefault(_TRANSACTION, new_transaction()), now),))
    else:
        return  # driver-level autocommit: the row would outlive the statement, so this write is recorded as unknown
    info[_KEY] = now


def _autocommits(driver: Any) -> bool:
    """Python 3.12 has an attribute for it; before, and where it says "legacy" (-1), no isolation level means yes."""
    autocommit = getattr(driver, "autocommit", -1)
    return driver.isolation_level is None if autocommit == -1 else bool(autocommit)


def _forget(info: dict[str, Any]) -> None:
    info.pop(_KEY, None)
    info.pop(_TRANSACTION, None)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
