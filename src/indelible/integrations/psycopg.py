"""psycopg 3: each transaction of a connection says who acts, in the very message that begins it.

    connection = psycopg.connect(...)
    attach(connection)
    with acting_as(actor), connection.transaction():
        connection.execute(...)

A call of its own for it would cost a round trip in every transaction. So this wraps methods by which psycopg runs its
own commands and starts a query, which are not public; where a version lacks them, `attach` says so at once.
"""

from collections.abc import Callable, Generator
from functools import cache
from typing import Any

from psycopg import AsyncConnection, Connection, errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from indelible.capture.context import acting
from indelible.capture.postgres.carry import select_to, set_to
from indelible.errors import CaptureError
from indelible.integrations import statements

_RUN, _START = "_exec_command", "_start_query"
CARRIED = "indelible_carried"  # on the connection: who acts, as its transaction says
_UNSURE = object()  # a savepoint was rolled back, and what was said since went with it

AnyConnection = Connection[Any] | AsyncConnection[Any]
Steps = Generator[Any, Any, Any]  # psycopg's way to run the same code for both kinds of connection


def attach(connection: AnyConnection, committed: Callable[[], None] | None = None) -> None:
    """From now on, with its cursors made from now on; repeatable. `committed` is called after each COMMIT.

    In autocommit nothing begins, and what a lone statement changes is recorded as unknown.
    """
    if begin_with_actor(connection, committed):
        ours: Any = connection
        ours.cursor_factory = _following(ours.cursor_factory)
        ours.server_cursor_factory = _following(ours.server_cursor_factory)


def begin_with_actor(
    connection: AnyConnection,
    committed: Callable[[], None] | None = None,
    who: Callable[[], str | None] = acting,
) -> bool:
    """Only what begins says who acts; another who acts within it is somebody else's to say. False: it did already."""
    if hasattr(connection, CARRIED):
        return False
    run = getattr(connection, _RUN, None)
    if run is None or not hasattr(connection.cursor_factory, _START):
        raise CaptureError("This psycopg runs its commands in a way that is not known here. Use version 3.2 or 3.3.")

    def run_with_actor(command: Any, *options: Any, **named: Any) -> Steps:
        told = command[:8] if isinstance(command, bytes) else b""
        if told.startswith(b"BEGIN") and connection.pgconn.transaction_status == TransactionStatus.IDLE:
            held = None if connection._pipeline else who()  # noqa: SLF001 - there, a message holds one statement
            setattr(connection, CARRIED, held)
            return run(command, *options, **named) if held is None else _begin(connection, command, held)
        if told in (b"COMMIT", b"ROLLBACK"):
            setattr(connection, CARRIED, None if command == told else _UNSURE)
        done = run(command, *options, **named)
        return _then(done, committed) if committed and command == b"COMMIT" else done

    setattr(connection, CARRIED, None)
    setattr(connection, _RUN, run_with_actor)
    return True


@cache
def _following(factory: Any) -> Any:
    """The same cursors, but that each query says who acts if its transaction does not, or says another."""

    def _start_query(self: Any, query: Any = None) -> Steps:
        yield from factory._start_query(self, query)  # noqa: SLF001 - it begins a transaction if it has to
        text = statements.text_of(query, None)
        said = None if statements.controls(text) else _change(self._conn)
        if said:
            yield from self._conn._exec_command(said)  # noqa: SLF001
        if statements.undoes(text):
            setattr(self._conn, CARRIED, _UNSURE)

    return type(factory.__name__, (factory,), {"__slots__": (), "__module__": factory.__module__, _START: _start_query})


def _change(connection: AnyConnection) -> str | None:
    """What to run first; None where nothing is to be said, or it would hold for no more than itself."""
    now, status = acting(), connection.pgconn.transaction_status
    if status == TransactionStatus.IDLE and connection.autocommit:
        setattr(connection, CARRIED, None)
        return select_to(now) if now and connection._pipeline else None  # noqa: SLF001 - what goes together is a transaction
    if now is getattr(connection, CARRIED) or status == TransactionStatus.INERROR:
        return None  # in error, anything but a rollback would only hide what went wrong
    setattr(connection, CARRIED, now)
    return set_to(now)


def _begin(connection: AnyConnection, command: bytes, held: str) -> Steps:
    """As psycopg does it, but for two statements."""
    pgconn = connection.pgconn
    pgconn.send_query(command + b"; " + set_to(held).encode())
    results = yield from generators.execute(pgconn)
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, encoding=connection.info.encoding)
    return results[-1]


def _then(done: Steps, committed: Callable[[], None]) -> Steps:
    result = yield from done
    committed()
    return result
