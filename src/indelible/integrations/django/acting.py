"""Who acts in a request: the signed-in user, asked for at the first write.

Most requests only read; finding the user costs a query or two. So the middleware says how the request arrived, and
who acts is asked when something is about to be written, each time anew: signing in changes the answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from indelible.capture import context
from indelible.event import Actor


class _Asked:
    """One request. `arrived` is what is carried while nobody is known."""

    def __init__(self, arrived: str | None, who: Callable[[], Actor | None]) -> None:
        self.arrived = arrived
        self._who = who
        self._actor: Actor | None = None
        self.told = arrived  # when last asked

    def text(self) -> str | None:
        actor = self._who()
        if actor != self._actor:
            self._actor, self.told = actor, self.arrived if actor is None else _said(actor)
        return self.told


def _said(actor: Actor) -> str | None:
    """As `acting_as` inside the request says it: who, and how it arrived."""
    with context.acting_as(actor):
        return context.acting()


_asked: ContextVar[_Asked | None] = ContextVar("indelible_django_asked", default=None)
_asking: ContextVar[bool] = ContextVar("indelible_django_asking", default=False)


@contextmanager
def asking(who: Callable[[], Actor | None]) -> Iterator[None]:
    """Inside, `who` answers who acts wherever no `acting_as` does."""
    token = _asked.set(_Asked(context.acting(), who))
    try:
        yield
    finally:
        _asked.reset(token)


def known() -> str | None:
    """What a write made here carries, as far as that is known without asking."""
    held, asked = context.acting(), _asked.get()
    return held if asked is None or held is not asked.arrived else asked.told


def acting() -> str | None:
    """What a write made here carries. May run queries, as any use of `request.user` does."""
    held, asked = context.acting(), _asked.get()
    if asked is None or held is not asked.arrived or _asking.get():
        return held  # somebody said otherwise inside; or what the asking itself writes
    token = _asking.set(True)
    try:
        return asked.text()
    finally:
        _asking.reset(token)
