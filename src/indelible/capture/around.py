"""A function that holds something in each call, whatever kind of function it is."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from indelible.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def around(function: Callable[P, R], holding: Callable[P, AbstractContextManager[object]]) -> Callable[P, R]:
    """`function`, each call of it inside of what `holding` gives for its arguments. Name and signature stay.

    Raises UsageError for a generator: its body runs after the call, for whoever iterates it.
    """
    name = getattr(function, "__qualname__", repr(function))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{name} is a generator: it runs after the call that makes it. Say who acts inside it, around each write."
        )
    wrapper = _later(function, holding) if inspect.iscoroutinefunction(function) else _now(function, holding)
    wrapper.__signature__ = inspect.signature(function)  # some task queues read no other
    return cast("Callable[P, R]", wrapper)


def _now(function: Callable[..., Any], holding: Callable[..., AbstractContextManager[object]]) -> Any:
    @wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        with holding(*args, **kwargs):
            return function(*args, **kwargs)

    return held


def _later(function: Callable[..., Any], holding: Callable[..., AbstractContextManager[object]]) -> Any:
    """The call only makes the coroutine; what runs is held when it is awaited."""

    @wraps(function)
    async def held(*args: Any, **kwargs: Any) -> Any:
        with holding(*args, **kwargs):
            return await function(*args, **kwargs)

    return held
