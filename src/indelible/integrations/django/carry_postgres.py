"""Django on PostgreSQL: who acts is a setting of the transaction, so it ends with it, however it ends.

It travels in the message that begins the transaction, or in that of the write itself: never one more round trip with
Django's ordinary cursors.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.backends.postgresql.psycopg_any import is_psycopg3

from indelible.capture.postgres.carry import set_to
from indelible.integrations import statements
from indelible.integrations.django.acting import acting, known

if is_psycopg3:
    from psycopg import ClientCursor

    from indelible.integrations.psycopg import CARRIED, begin_with_actor

IDLE, IN_TRANSACTION = 0, 2  # libpq's PGTransactionStatusType
_UNSURE = object()  # a savepoint was rolled back over it, or only the server knows


def attach(connection: Any) -> None:
    """For every statement of one of Django's connections, and for its driver's own transactions. Repeatable."""
    driver = connection.connection
    if is_psycopg3 and begin_with_actor(driver, who=known):
        driver.cursor_factory = _copying(driver.cursor_factory)
    if carrying not in connection.execute_wrappers:
        # In front: `with connection.execute_wrapper(...)` takes away whatever is last.
        connection.execute_wrappers.insert(0, carrying)


def carrying(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    """An execute wrapper: the statement, with who acts."""
    text = statements.text_of(sql, context["cursor"].cursor)
    write = _Write(execute, text, (sql, params, many, context))
    if write.status == IDLE:
        write.carried = None
    if statements.controls(text) or statements.undoes(text):
        return write.control(undoes=statements.undoes(text))
    if write.status == IDLE and write.autocommits:
        return write.alone(acting()) if statements.wants_a_transaction(text) else write.as_it_is()
    if write.status not in (IDLE, IN_TRANSACTION):
        return write.as_it_is()
    now = known() if statements.queries(text) else acting()  # to ask may be what begins
    return write.inside(now) if write.status == IN_TRANSACTION else write.first(now)


@cache
def _copying(factory: Any) -> Any:
    """The same cursors, whose COPY comes by no wrapper."""

    def copy(self: Any, *given: Any, **named: Any) -> Any:
        _say_first(self.connection)
        return factory.copy(self, *given, **named)

    return type(factory.__name__, (factory,), {"__module__": factory.__module__, "copy": copy})


def _say_first(driver: Any) -> None:
    """In a transaction, or where one is to come."""
    status = driver.pgconn.transaction_status
    if status == IN_TRANSACTION or (status == IDLE and not driver.autocommit):
        now = acting()
        if _carried(driver) is not now:
            with driver.cursor() as cursor:
                cursor.execute(set_to(now))
            _note(driver, now)


class _Write:
    """One statement that may write, and the ways to send it. `carried`: what its transaction says already."""

    def __init__(self, execute: Callable[..., Any], text: str | None, given: tuple[Any, Any, bool, Any]) -> None:
        self._execute = execute
        self._text = text
        self._given = given
        self._cursor = given[3]["cursor"].cursor
        self._driver = self._cursor.connection

    @property
    def status(self) -> int:
        return int((self._driver.pgconn if is_psycopg3 else self._driver.info).transaction_status)

    @property
    def autocommits(self) -> bool:
        return bool(self._driver.autocommit)

    @property
    def carried(self) -> object:
        return _carried(self._driver)

    @carried.setter
    def carried(self, text: object) -> None:
        _note(self._driver, text)

    def as_it_is(self) -> Any:
        return self._execute(*self._given)

    def control(self, *, undoes: bool) -> Any:
        result = self.as_it_is()
        if undoes:
            self.carried = _UNSURE
        return result

    def inside(self, now: str | None) -> Any:
        """In a transaction that has begun: say only what it does not carry yet."""
        return self.as_it_is() if self.carried is now else self._after_saying(now)

    def alone(self, now: str | None) -> Any:
        """In autocommit mode nothing begins by itself."""
        if now is None:
            return self.as_it_is()
        return self._with_prefix(now) if self._one_message() else self._begun_and_committed(now)

    def first(self, now: str | None) -> Any:
        """Nothing has begun: BEGIN goes ahead with what is known, but not in a pipeline, which executemany uses."""
        begins = is_psycopg3 and not self._given[2] and not self._driver._pipeline  # noqa: SLF001
        return self.as_it_is() if begins else self._after_saying(now)

    def _after_saying(self, now: str | None) -> Any:
        if self._one_message():
            result = self._with_prefix(now)
        else:
            self._run(set_to(now))
            result = self.as_it_is()
        self.carried = now
        return result

    def _one_message(self) -> bool:
        """Whether two statements can go at once, and the result of the second be had."""
        if self._text is None or getattr(self._cursor, "name", None):
            return False
        if not is_psycopg3:
            return True
        many = self._given[2]
        return isinstance(self._cursor, ClientCursor) and not many and not self._driver._pipeline  # noqa: SLF001

    def _with_prefix(self, now: str | None) -> Any:
        prefix = set_to(now) + "; "
        if self._given[1] is not None:
            prefix = prefix.replace("%", "%%")
        result = self._execute(prefix + str(self._text), *self._given[1:])
        if is_psycopg3:
            self._cursor.nextset()  # past ours, to what the statement itself gave
        return result

    def _begun_and_committed(self, now: str) -> Any:
        """A transaction of its own, around statements that go one by one."""
        self._run("BEGIN; " + set_to(now))
        try:
            result = self._execute(*self._given)
        except BaseException:
            if not self._driver.closed:
                self._run("ROLLBACK")
            raise
        self._run("COMMIT")
        return result

    def _run(self, statement: str) -> None:
        """On a cursor of our own: the results of the user's must stay."""
        with self._given[3]["connection"].wrap_database_errors, self._driver.cursor() as cursor:
            cursor.execute(statement)


def _carried(driver: Any) -> object:
    """Psycopg 2 begins transactions where nobody sees it: there, each write says who acts."""
    return getattr(driver, CARRIED, _UNSURE) if is_psycopg3 else _UNSURE


def _note(driver: Any, text: object) -> None:
    if is_psycopg3:
        setattr(driver, CARRIED, text)
