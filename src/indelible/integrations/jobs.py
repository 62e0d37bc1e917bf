"""Jobs: what a scheduler or a queue runs acts in its own name. Celery, APScheduler, RQ, cron: any function."""

from collections.abc import Callable
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from indelible.capture.around import around
from indelible.capture.context import acting_as, serving
from indelible.errors import UsageError
from indelible.event import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["job"]

P = ParamSpec("P")
R = TypeVar("R")


def job(
    name: str, *, schedule: str | None = None, run_id: Callable[..., str | None] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Attribute what the decorated function writes, sync or `async`, to `Actor.system(name)`, source "job".

    `schedule` ("daily at 02:00") stands as the reason. Each run has a request id: what `run_id` gives for the
    function's arguments, or one that is made. Put it below the decorator of a task queue. Raises UsageError.
    """
    if type(name) is not str:
        raise UsageError(f'A job needs a name: @job("license-expiry"), not @job over {name!r}.')

    @contextmanager
    def running(*args: object, **kwargs: object) -> "Iterator[None]":
        run = run_id(*args, **kwargs) if run_id else None
        # Anew: a scheduler that was started, or a task that was queued, inside a request is not part of it.
        with serving(source="job", request_id=run or token_hex(16)), acting_as(Actor.system(name), reason=schedule):
            yield

    return lambda function: around(function, running)
