"""Who acts, for the code that runs inside: `with acting_as(actor): ...`.

A context variable: it follows a task into threads and awaits, and nests; the innermost wins. What it says
travels to the triggers inside the transaction (see `integrations/`), so a pooled connection cannot leak it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import get_args

import msgspec
from msgspec import UNSET

from indelible.errors import EventError
from indelible.event import Actor, ActorType, Context, clip

TRANSACTION = 32  # hexadecimal digits of a transaction's id
MAX_CARRIED = 32 * 1024  # bytes; `acting_as` stays below it, and with it an entry below its own limit


class Acting(msgspec.Struct, frozen=True):
    """Who acts and how, as the sealer reads it back."""

    actor: Actor
    reason: str | None = None
    context: Context = Context()


# As text, made once for all transactions inside.
_acting: ContextVar[str | None] = ContextVar("indelible_acting", default=None)
_decode = msgspec.json.Decoder(Acting).decode


@contextmanager
def acting_as(  # noqa: PLR0913 - each is a field of the entry, by keyword
    actor: Actor,
    *,
    reason: str | None = None,
    source: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
    request_id: str | None = None,
) -> Iterator[None]:
    """Attribute every write made inside to `actor`, as they are now.

    `source` says which program acts ("portal", "job"); texts longer than an entry may carry are clipped.
    """
    context = Context(source=clip(source), ip=clip(ip), user_agent=clip(user_agent, 512), request_id=clip(request_id))
    token = _acting.set(msgspec.json.encode(Acting(_copied(actor), clip(reason, 2048), context)).decode())
    try:
        yield
    finally:
        _acting.reset(token)


def acting() -> str | None:
    """What holds here, one object for each `acting_as`; None outside of all."""
    return _acting.get()


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


def _copied(actor: Actor) -> Actor:
    """As they are now, in texts that fit; the one they stand for likewise. Raises EventError for an unknown type."""
    if actor.type not in get_args(ActorType):
        raise EventError("actor.type", f"{actor.type!r} is none of {', '.join(get_args(ActorType))}.")
    behind = _copied(actor.on_behalf_of) if isinstance(actor.on_behalf_of, Actor) else UNSET
    return Actor(
        type=actor.type, id=clip(actor.id), name=clip(actor.name), email=clip(actor.email), on_behalf_of=behind
    )
