"""SQLAlchemy with isolation_level="AUTOCOMMIT": a write in which somebody acts gets a transaction of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExecutionContext

# What is to stand around a statement that the cursor runs; None where nothing is.
Around = Callable[[ExecutionContext, Any, str], AbstractContextManager[None] | None]


def attach(engine: Engine, around: Around) -> None:
    """Ask `around` before each statement of `engine`, of those with other options too."""
    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        event.listen(engine, name, partial(_run, name, around))


def _run(name: str, around: Around, cursor: Any, statement: str, *given: Any) -> Literal[True] | None:
    """True: it has run."""
    context = given[-1]
    own = around(context, cursor, statement)
    if own is None:
        return None
    with own:
        getattr(context.dialect, name)(cursor, statement, *given)
    return True
