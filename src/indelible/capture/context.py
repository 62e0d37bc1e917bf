"""Who acts, for the code that runs inside: `with acting_as(actor): ...`.

A context variable: it follows a task into threads and awaits, and nests; the innermost wins. Around it a server
says how the request arrived (`serving`), before anybody knows who acts; code that finds it out and returns says so of
the whole request (`set_actor`). What is said travels to the triggers inside the transaction (see `integrations/`), so
a pooled connection cannot leak it.
"""

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar, Token
from functools import cache
from typing import ParamSpec, TypeVar, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET

from indelible.capture.around import around
from indelible.errors import EventError, UsageError
from indelible.event import MAX_NAME, Actor, ActorType, Context, clip

logger = logging.getLogger(__name__)

TRANSACTION = 32  # hexadecimal digits of a transaction's id
MAX_CARRIED = 32 * 1024  # bytes; `acting_as` stays below it, and with it an entry below its own limit

# How the text begins that says who acts. That of a request in which nobody has said so yet begins with a blank: the
# triggers look no further.
SOMEBODY = "{"

P = ParamSpec("P")
R = TypeVar("R")


class Acting(msgspec.Struct, frozen=True):
    """Who acts and how, as the sealer reads it back."""

    actor: Actor
    reason: str | None = None
    context: Context = Context()


class _Held:
    """What holds from here on. As text, made once for all transactions inside; `over` once nobody stands in it."""

    def __init__(self, acting: Acting, outer: "_Held | None", *, anew: bool) -> None:
        self.outer = outer
        self.over = False
        self.asked = False
        self.anew = anew  # a request, or what stands for one: `set_actor` says who acts in it
        self.say(acting)

    def say(self, acting: Acting) -> None:
        line = _encode(acting)
        if len(line) > MAX_CARRIED - TRANSACTION:
            raise EventError("actor", f"it takes {len(line)} bytes, those they act for included. Name fewer of them.")
        self.text = line.decode() if acting.actor != Actor.unknown() else f" {line.decode()}"
        self.context = acting.context


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Acting).decode
_held: ContextVar[_Held | None] = ContextVar("indelible_acting", default=None)


class Saying(AbstractContextManager[Context]):
    """What `acting_as` and `serving` give, for `with`, or to decorate a function (`async` too): held in each call."""

    def __init__(self, acting: Acting, *, anew: bool) -> None:
        self._acting = acting
        self._anew = anew  # takes nothing from what stands around it
        self._mine: tuple[_Held, Token[_Held | None]] | None = None

    def __enter__(self) -> Context:
        """Gives how the change arrives, as far as it is known here."""
        if self._mine is not None:
            raise UsageError("One acting_as(...) was entered twice. Make one for each `with`.")
        outer = _innermost()
        context = self._acting.context if self._anew or outer is None else _filled(self._acting.context, outer.context)
        mine = _Held(msgspec.structs.replace(self._acting, context=context), outer, anew=self._anew)
        self._mine = mine, _held.set(mine)
        return context

    def __exit__(self, *_: object) -> None:
        if self._mine is not None:
            (mine, token), self._mine = self._mine, None
            _leave(mine, token)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return around(function, lambda *_, **__: Saying(self._acting, anew=self._anew))


def acting_as(  # noqa: PLR0913 - each is a field of the entry, by keyword
    actor: Actor,
    *,
    reason: str | None = None,
    on_behalf_of: Actor | None = None,
    source: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
    request_id: str | None = None,
) -> Saying:
    """Attribute every write made inside to `actor`, as they are now; `on_behalf_of` is the user they impersonate.

    `source` says which program acts ("portal", "job"). What is not named here is that of the enclosing request, or
    `acting_as`; the reason is never another's. Texts longer than an entry may carry are clipped.
    """
    who = _who(actor, on_behalf_of)
    return Saying(Acting(who, _reason(reason), _context(source, ip, user_agent, request_id)), anew=False)


def set_actor(actor: Actor, *, reason: str | None = None, on_behalf_of: Actor | None = None) -> None:
    """From here on `actor` acts in the request that is being served, wherever no `acting_as` inside says otherwise.

    For code that finds out who it is and then returns, in whichever thread: a dependency, a hook before the request.
    Raises UsageError where no request is served.
    """
    held = _innermost()
    while held is not None and (held.over or not held.anew):
        held = held.outer
    if held is None:
        raise UsageError("No request is served here. Put AuditMiddleware around it, or use `with acting_as(actor):`.")
    held.say(Acting(_who(actor, on_behalf_of), _reason(reason), held.context))


def serving(
    *,
    source: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
    request_id: str | None = None,
) -> Saying:
    """How a request arrived, before anybody knows who acts. Until `acting_as` says so inside, that is `unknown`.

    It begins anew: whoever acts around it, as the one who started the server, does not act in it.
    """
    return Saying(Acting(Actor.unknown(), None, _context(source, ip, user_agent, request_id)), anew=True)


def arrived() -> Context:
    """How the request that is served here arrived; empty outside of all."""
    held = _innermost()
    return held.context if held else Context()


def acting() -> str | None:
    """What holds here, one object for each `acting_as`; None outside of all."""
    held = _innermost()
    if held is None:
        return None
    held.asked = True
    return held.text


def new_transaction() -> str:
    """An id for a transaction that begins to write."""
    return os.urandom(TRANSACTION // 2).hex()


def carry(transaction: str, held: str) -> str:
    """What a transaction carries, for the triggers to copy: its id, then who acts."""
    return transaction + held


def uncarry(text: object) -> Acting | None:
    """What a trigger copied; None where no context was set. Raises DecodeError, ValueError or RecursionError."""
    if text is None:
        return None
    if not isinstance(text, str) or len(text.encode()) > MAX_CARRIED:
        raise ValueError("this is not what a transaction carries")
    held = _decode(text[TRANSACTION:])
    named = msgspec.structs.replace(held.context, transaction_id=text[:TRANSACTION])
    return msgspec.structs.replace(held, context=named)


def _leave(mine: _Held, token: Token[_Held | None]) -> None:
    if _held.get() is mine:
        with suppress(ValueError):  # a generator that somebody else closes, in another task
            _held.reset(token)
            mine.outer = None  # never asked for again; a task that starts the next one would keep them all
            return
    mine.over = True  # or one that ends after another began in it: what stands on top stays there
    if not (mine.asked or mine.anew):
        _tell_of_loss()


@cache
def _tell_of_loss() -> None:
    """Once: where it happens, it does at each request."""
    logger.warning(
        "acting_as(...) was entered in one context and left in another, and nothing was written in between that it "
        "holds for. In a dependency of FastAPI, or a hook before a request, say set_actor(...) instead."
    )


def _innermost() -> _Held | None:
    held = _held.get()
    while held is not None and held.over:
        held = held.outer
    return held


def _context(source: str | None, ip: str | None, user_agent: str | None, request_id: str | None) -> Context:
    return Context(
        source=_text("source", source),
        ip=_text("ip", ip),
        user_agent=_text("user_agent", user_agent, 512),
        request_id=_text("request_id", request_id),
    )


def _filled(own: Context, outer: Context) -> Context:
    return Context(
        source=outer.source if own.source is None else own.source,
        ip=outer.ip if own.ip is None else own.ip,
        user_agent=outer.user_agent if own.user_agent is None else own.user_agent,
        request_id=outer.request_id if own.request_id is None else own.request_id,
    )


def _who(actor: Actor, on_behalf_of: Actor | None) -> Actor:
    who = _copied(actor)
    return who if on_behalf_of is None else msgspec.structs.replace(who, on_behalf_of=_copied(on_behalf_of))


def _copied(actor: Actor) -> Actor:
    """As they are now, in texts that fit; the one they stand for likewise. Raises EventError for what cannot be one."""
    kind = getattr(actor, "type", None)
    if kind not in get_args(ActorType):
        raise EventError("actor.type", f"{kind!r} is none of {', '.join(get_args(ActorType))}.")
    behind = _copied(actor.on_behalf_of) if actor.on_behalf_of else UNSET
    return Actor(
        type=actor.type,
        id=_text("actor.id", str(actor.id) if isinstance(actor.id, int | UUID) else actor.id),
        name=_text("actor.name", actor.name),
        email=_text("actor.email", actor.email),
        on_behalf_of=behind,
    )


def _reason(text: str | None) -> str | None:
    return _text("reason", text, 2048)


def _text(field: str, text: str | None, limit: int = MAX_NAME) -> str | None:
    """Raises EventError for what is no text, whatever the types said of it."""
    try:
        return clip(text, limit)
    except AttributeError:
        raise EventError(field, f"{text!r} is no text. Give a text, or leave it out.") from None
