"""SQLAlchemy on PostgreSQL: with psycopg in the message that begins, with any other driver in a call of its own.

An engine that has any listener takes a slower way through every transaction: as much as the capture of a row costs.
So with psycopg there is none, and all is done below SQLAlchemy; the listeners of its pool cost nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from indelible.capture.context import acting
from indelible.capture.postgres.carry import select_to
from indelible.integrations import sqlalchemy_alone, statements

_KEY = "indelible_acting"  # in Connection.info: who acts, as this transaction says


def attach(engine: Engine, committed: Callable[[], None]) -> None:
    """Make every connection of `engine` carry the actor; call `committed` as its transactions commit."""
    if engine.dialect.driver == "psycopg":
        _attach_psycopg(engine, committed)
    else:
        event.listen(engine, "commit", lambda _connection: committed())
        _attach_any(engine)
        sqlalchemy_alone.attach(engine, _around)


def _attach_psycopg(engine: Engine, committed: Callable[[], None]) -> None:
    from indelible.integrations import psycopg

    def _attach(_adapted: Any, record: Any, *_: Any) -> None:
        psycopg.attach(record.driver_connection, committed)

    event.listen(engine, "connect", _attach)
    event.listen(engine, "checkout", _attach)  # one that was pooled before


def _attach_any(engine: Engine) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def _before(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statements.controls(statement):  # nothing may stand before SET TRANSACTION, or a rollback after an error
            if statements.undoes(statement):
                connection.info[_KEY] = object()
            return
        if _nothing_begins(connection.connection.dbapi_connection):
            connection.info.pop(_KEY, None)  # or the transaction it tells of was typed, and has ended
            return
        now = acting()
        if now is not connection.info.get(_KEY):
            connection.info[_KEY] = now  # first: the statement that says it comes by here too
            _run(connection, select_to(now))

    def _forget(connection: Connection, *_: Any) -> None:
        if not connection.invalidated:  # a lost connection has no info to forget
            connection.info.pop(_KEY, None)

    event.listen(engine, "commit", _forget)
    event.listen(engine, "rollback", _forget)
    event.listen(engine, "rollback_savepoint", lambda connection, *_: connection.info.update({_KEY: object()}))
    event.listen(engine, "reset", lambda _driver, record, _state: record and record.info.pop(_KEY, None))  # or detached


def _around(context: Any, _cursor: Any, statement: str) -> AbstractContextManager[None] | None:
    driver, now = context.root_connection.connection.dbapi_connection, acting()
    if now is None or not _nothing_begins(driver) or not statements.wants_a_transaction(statement):
        return None
    return _alone(driver, now)


@contextmanager
def _alone(driver: Any, now: str) -> Iterator[None]:
    """A transaction around one write of an engine in autocommit."""
    cursor = driver.cursor()
    cursor.execute("BEGIN")
    try:
        cursor.execute(select_to(now))
        yield
    except Exception:  # after any other SQLAlchemy gives the connection up
        if not driver.driver_connection.is_closed():
            cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def _nothing_begins(driver: Any) -> bool:
    """In autocommit, outside of what was begun by hand. Other drivers than asyncpg do not tell."""
    begun = getattr(getattr(driver, "driver_connection", None), "is_in_transaction", None)
    return begun is not None and bool(driver.autocommit) and not begun()


def _run(connection: Connection, statement: str) -> None:
    """As a statement of the application's, so that what goes wrong with it is told and handled as theirs."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).close()
