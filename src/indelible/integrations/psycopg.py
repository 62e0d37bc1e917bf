"""psycopg 3: each transaction of a connection says who acts, in the very message that begins it.

    connection = psycopg.connect(...)
    attach(connection)
    with acting_as(actor), connection.transaction():
        connection.execute(...)

A call of its own for it would cost a round trip in every transaction. So this wraps methods by which psycopg runs its
own commands and starts a query, which are not public; where a version lacks them, `attach` says so at once.
"""

from collections.abc import Callable, Generator
from functools import cache, partial
from typing import Any

from psycopg import AsyncConnection, Connection, errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from indelible.capture.context import acting
from indelible.capture.postgres.carry import select_to, set_to
from indelible.errors import CaptureError
from indelible.integrations import statements

_RUN, _START, _EXECUTE = "_exec_command", "_start_query", "_execute_gen"
CARRIED = "indelible_carried"  # on the connection: who acts, as its transaction says
_UNSURE = object()  # a savepoint was rolled back, and what was said since went with it

AnyConnection = Connection[Any] | AsyncConnection[Any]
Steps = Generator[Any, Any, Any]  # psycopg's way to run the same code for both kinds of connection


def attach(connection: AnyConnection, committed: Callable[[], None] | None = None) -> None:
    """From now on; repeatable. `committed` is called after each COMMIT.

    In autocommit a write of somebody gets a transaction of its own; there, what COPY, CALL or a function in a SELECT
    changes is recorded as unknown.
    """
    if begin_with_actor(connection, committed):
        ours: Any = connection
        ours.cursor_factory = _following(ours.cursor_factory)
        ours.server_cursor_factory = _following(ours.server_cursor_factory)
        setattr(connection, _START, partial(_started, connection, getattr(connection, _START)))


def begin_with_actor(
    connection: AnyConnection,
    committed: Callable[[], None] | None = None,
    who: Callable[[], str | None] = acting,
) -> bool:
    """Only what begins says who acts; another who acts within it is somebody else's to say. False: it did already."""
    if hasattr(connection, CARRIED):
        return False
    run = getattr(connection, _RUN, None)
    if run is None or not all(hasattr(connection.cursor_factory, name) for name in (_START, _EXECUTE)):
        raise CaptureError("This psycopg runs its commands in a way that is not known here. Use version 3.2 or 3.3.")

    def run_with_actor(command: Any, *options: Any, **named: Any) -> Steps:
        told = command[:8] if isinstance(command, bytes) else b""
        if told.startswith(b"BEGIN") and _idle(connection):
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


def _started(connection: AnyConnection, begin: Callable[[], Steps]) -> Steps:
    """What every cursor asks for before its query, whichever its class: here it says who acts if that is to be said."""
    yield from begin()
    said = _change(connection)
    if said:
        yield from connection._exec_command(said)  # noqa: SLF001


@cache
def _following(factory: Any) -> Any:
    """The same cursors, of which we know what they are asked."""

    def _start_query(self: Any, query: Any = None) -> Steps:
        yield from factory._start_query(self, query)  # noqa: SLF001
        if statements.undoes(statements.text_of(query, None)):
            setattr(self._conn, CARRIED, _UNSURE)

    def _execute_gen(self: Any, query: Any, *given: Any, **named: Any) -> Steps:
        steps = factory._execute_gen(self, query, *given, **named)  # noqa: SLF001
        now = _alone(self._conn, query)
        yield from steps if now is None else _begun_and_committed(self._conn, now, steps)

    ours = {_START: _start_query, _EXECUTE: _execute_gen}
    return type(factory.__name__, (factory,), {"__slots__": (), "__module__": factory.__module__, **ours})


def _alone(connection: AnyConnection, query: Any) -> str | None:
    """Who acts, where nothing begins by itself and a write wants it to."""
    if not connection.autocommit or connection._pipeline or not _idle(connection):  # noqa: SLF001
        return None
    text = statements.text_of(query, None)
    return acting() if text is not None and statements.wants_a_transaction(text) else None


def _begun_and_committed(connection: AnyConnection, now: str, steps: Steps) -> Steps:
    setattr(connection, CARRIED, now)
    yield from _begin(connection, b"BEGIN", now)
    try:
        yield from steps
    except Exception:
        if not connection.closed:
            yield from connection._exec_command(b"ROLLBACK")  # noqa: SLF001
        raise
    yield from connection._exec_command(b"COMMIT")  # noqa: SLF001


def _idle(connection: AnyConnection) -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE


def _change(connection: AnyConnection) -> str | None:
    """What to run first; None where nothing is to be said, or it would hold for no more than itself."""
    now = acting()
    if connection.autocommit and _idle(connection):
        setattr(connection, CARRIED, None)
        return select_to(now) if now and connection._pipeline else None  # noqa: SLF001 - what goes together is a transaction
    if now is getattr(connection, CARRIED) or connection.pgconn.transaction_status == TransactionStatus.INERROR:
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
