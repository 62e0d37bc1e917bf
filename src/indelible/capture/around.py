"""A function that holds something in each call, whatever kind of function it is."""

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from indelible.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def around(function: Callable[P, R], holding: Callable[P, AbstractContextManager[object]]) -> Callable[P, R]:
    """`function`, each call of it inside of what `holding` gives for its arguments. Name and signature stay.

    Raises UsageError for a generator, which runs after the call, for whoever iterates it: here, or where only the call
    shows that it makes one.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(around(function.__func__, holding))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _later_than_the_call(function)
    wrapper = _later(function, holding) if inspect.iscoroutinefunction(function) else _now(function, holding)
    wrapper.__signature__ = inspect.signature(function)  # some task queues read no other
    return cast("Callable[P, R]", wrapper)


def _later_than_the_call(function: object) -> UsageError:
    name = getattr(function, "__qualname__", repr(function))
    return UsageError(
        f"{name} is a generator: it runs after the call that makes it. Say who acts inside it, around each write."
    )


def _now(function: Callable[..., Any], holding: Callable[..., AbstractContextManager[object]]) -> Any:
    """What does not say that it is `async` may be so all the same: a callable object, a decorated function."""

    @wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        with holding(*args, **kwargs):
            result = function(*args, **kwargs)
        if isinstance(result, Generator | AsyncGenerator):
            raise _later_than_the_call(function)
        return _awaited(result, holding(*args, **kwargs)) if isinstance(result, Coroutine) else result

    return held


async def _awaited(result: Coroutine[Any, Any, R], holding: AbstractContextManager[object]) -> R:
    with holding:
        return await result


def _later(function: Callable[..., Any], holding: Callable[..., AbstractContextManager[object]]) -> Any:
    """The call only makes the coroutine; what runs is held when it is awaited."""

    @wraps(function)
    async def held(*args: Any, **kwargs: Any) -> Any:
        with holding(*args, **kwargs):
            return await function(*args, **kwargs)

    return held
