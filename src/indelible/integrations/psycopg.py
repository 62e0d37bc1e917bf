"""psycopg 3: each transaction of a connection says who acts, in the very message that begins it.

    connection = psycopg.connect(...)
    attach(connection)
    with acting_as(actor), connection.transaction():
        connection.execute(...)

A call of its own for it would cost a round trip in every transaction. So this wraps the method by which psycopg runs
its own commands, which is not public; where a version lacks it, `attach` says so at once.
"""

from collections.abc import Generator
from typing import Any

from psycopg import AsyncConnection, Connection, errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from indelible.capture.context import acting
from indelible.capture.postgres.carry import begin_with, change_to
from indelible.errors import CaptureError

_RUN = "_exec_command"
CARRIED = "indelible_carried"  # on the connection: who acts, as its transaction says

AnyConnection = Connection[Any] | AsyncConnection[Any]


def attach(connection: AnyConnection) -> None:
    """From now on; repeatable. A change of actor inside a transaction is carried by what `change` gives.

    In autocommit, and in a pipeline, there is no such message: what is not claimed by `change` is recorded as unknown.
    """
    if hasattr(connection, CARRIED):
        return
    run = getattr(connection, _RUN, None)
    if run is None:
        raise CaptureError("This psycopg runs its commands in a way that is not known here. Use version 3.2 or 3.3.")

    def run_with_actor(command: Any, *options: Any, **named: Any) -> Generator[Any, Any, Any]:
        if not _begins(connection, command):
            return (yield from run(command, *options, **named))
        held = None if connection._pipeline else acting()  # noqa: SLF001 - there, a message holds one statement
        setattr(connection, CARRIED, held)
        if held is None:
            return (yield from run(command, *options, **named))
        return (yield from _begin(connection, command, held))

    setattr(connection, CARRIED, None)
    setattr(connection, _RUN, run_with_actor)


def change(connection: AnyConnection) -> str | None:
    """The statement to run first, where somebody else acts by now than the transaction says; None where nothing is."""
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        return None  # it is yet to begin, and will say it; or it has failed, and will write nothing more
    now = acting()
    if now is getattr(connection, CARRIED):
        return None
    setattr(connection, CARRIED, now)
    return change_to(now)


def unsure(connection: AnyConnection) -> None:
    """A savepoint was rolled back, and what was said since went with it: say it again."""
    setattr(connection, CARRIED, object())


def _begins(connection: AnyConnection, command: Any) -> bool:
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    return idle and isinstance(command, bytes) and command.startswith(b"BEGIN")


def _begin(connection: AnyConnection, command: bytes, held: str) -> Generator[Any, Any, Any]:
    """As psycopg does it, but for two statements."""
    pgconn = connection.pgconn
    pgconn.send_query(command + b"; " + begin_with(held).encode())
    results = yield from generators.execute(pgconn)
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, encoding=connection.info.encoding)
    return results[-1]
