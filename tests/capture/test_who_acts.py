"""What holds where: requests around actors, functions, generators, tasks and threads."""

import asyncio
import gc
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest

from indelible.capture import context
from indelible.capture.context import (
    MAX_CARRIED,
    Acting,
    acting,
    acting_as,
    arrived,
    carry,
    new_transaction,
    serving,
    set_actor,
    uncarry,
)
from indelible.errors import EventError, UsageError
from indelible.event import Actor, Context

DANA, KIM = Actor(id="dana", name="Dana Lee", email="dana@acme.test"), Actor(id="kim")
REQUEST: dict[str, Any] = {"source": "portal", "ip": "203.0.113.9", "user_agent": "test/1", "request_id": "r1"}


def now() -> Acting | None:
    """What a write here would carry."""
    held = acting()
    return uncarry(carry("", held.rjust(len(held) + 32))) if held else None


def who() -> str | None:
    held = now()
    return (held.actor.id or held.actor.type) if held else None


def how() -> dict[str, str | None]:
    held = now()
    context = msgspec.structs.asdict(held.context) if held else {}
    context.pop("transaction_id", None)
    return {key: value for key, value in context.items() if value is not None}


def test_a_request_alone_names_nobody_and_says_how_it_arrived() -> None:
    assert (acting(), arrived()) == (None, Context())
    with serving(**REQUEST) as context:
        assert (who(), how()) == ("unknown", REQUEST)
        assert arrived() == context == Context(**REQUEST)
    assert (acting(), arrived()) == (None, Context())


def test_an_actor_has_what_it_does_not_name_from_around_it() -> None:
    with serving(**REQUEST):
        with acting_as(DANA):
            assert (who(), how()) == ("dana", REQUEST)
        with acting_as(DANA, ip="192.0.2.1", source="job"):
            assert how() == REQUEST | {"ip": "192.0.2.1", "source": "job"}
            with acting_as(KIM, request_id="r2"):
                assert (who(), how()) == ("kim", REQUEST | {"ip": "192.0.2.1", "source": "job", "request_id": "r2"})
            assert who() == "dana"
        assert (who(), how()) == ("unknown", REQUEST)
    with acting_as(DANA):
        assert how() == {}


def test_a_reason_is_never_another_actors() -> None:
    with acting_as(DANA, reason="because"), acting_as(KIM):
        held = now()
        assert held is not None
        assert held.reason is None


def test_a_request_begins_anew_whoever_acts_around_it() -> None:
    with acting_as(DANA, reason="because", **REQUEST), serving(ip="192.0.2.1"):
        assert now() == Acting(Actor.unknown(), None, Context(ip="192.0.2.1", transaction_id=" " * 32))


def test_one_acting_as_is_one_object_and_another_is_another() -> None:
    with serving(**REQUEST):
        request = acting()
        with acting_as(DANA):
            first = acting()
            assert acting() is first
            with acting_as(DANA):
                assert acting() is not first
            assert acting() is first
        assert acting() is request


def test_an_administrator_stands_for_the_user_they_impersonate() -> None:
    for given in (acting_as(DANA, on_behalf_of=KIM), acting_as(msgspec.structs.replace(DANA, on_behalf_of=KIM))):
        with given:
            held = now()
            assert held is not None
            assert held.actor == Actor(id="dana", name="Dana Lee", email="dana@acme.test", on_behalf_of=KIM)


@pytest.mark.parametrize("actor", ["dana", None, Actor(type="root")])  # type: ignore[arg-type]
def test_what_is_no_actor_is_refused(actor: Actor) -> None:
    with pytest.raises(EventError, match=r"actor.type: .* is none of user, api_key"):
        acting_as(actor)
    if actor is not None:
        with pytest.raises(EventError, match=r"actor\.type"):
            acting_as(DANA, on_behalf_of=actor)


def test_what_a_transaction_could_not_carry_is_refused_before_it_is_written() -> None:
    wide = Actor(id="\x01" * 300, name="\x01" * 300, email="\x01" * 300)
    long: dict[str, Any] = dict.fromkeys(("reason", "source", "ip", "user_agent", "request_id"), "\x01" * 3000)
    behind = wide
    with acting_as(wide, on_behalf_of=behind, **long):
        held = acting()
        assert held is not None
        assert uncarry(carry(new_transaction(), held)) is not None
        assert len(held) < MAX_CARRIED - 32
    for _ in range(3):
        behind = msgspec.structs.replace(wide, on_behalf_of=behind)
    before = acting()
    with pytest.raises(EventError, match="Name fewer of them"), acting_as(behind, **long):
        pass
    assert acting() is before


def test_one_acting_as_holds_in_one_place_at_a_time_and_may_be_used_again() -> None:
    held = acting_as(DANA)
    with held, pytest.raises(UsageError, match="entered twice"), held:
        pass
    assert who() is None
    with held:
        assert who() == "dana"
    assert who() is None


def test_a_decorated_function_acts_in_each_call_and_keeps_its_signature() -> None:
    @acting_as(DANA)
    def plain(depth: int = 1) -> list[str | None]:
        """Doc."""
        return [who(), *(plain(depth - 1) if depth else [])]

    @acting_as(DANA)
    async def later() -> str | None:
        await asyncio.sleep(0)
        return who()

    with serving(**REQUEST):
        assert plain() == ["dana", "dana"]
        coroutine = later()
        assert who() == "unknown"
        assert asyncio.run(coroutine) == "dana"
    assert (plain.__name__, plain.__doc__, list(inspect.signature(plain).parameters)) == ("plain", "Doc.", ["depth"])
    assert inspect.iscoroutinefunction(later)
    assert asyncio.run(acting_as(KIM)(partial(later))()) == "dana"


def test_a_decorated_function_has_the_request_of_its_call() -> None:
    decorated = acting_as(DANA)(how)
    with serving(**REQUEST):
        assert decorated() == REQUEST
    assert decorated() == {}


def test_a_generator_is_not_decorated_silently_wrong() -> None:
    def rows() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (rows, later):
        with pytest.raises(UsageError, match=f"{function.__name__} is a generator: it runs after the call"):
            acting_as(DANA)(function)


def names(actor: Actor) -> Generator[str | None]:
    with acting_as(actor):
        yield who()
        yield who()


def test_generators_that_end_in_any_order_leave_nobody_acting() -> None:
    first, second = names(DANA), names(KIM)
    assert [next(first), next(second)] == ["dana", "kim"]
    first.close()
    assert who() == "kim"
    second.close()
    assert who() is None
    with serving(**REQUEST):
        third, fourth = names(DANA), names(KIM)
        next(third)
        next(fourth)
        third.close()
        with acting_as(DANA):
            fourth.close()
            assert who() == "dana"
        assert who() == "unknown"


def test_a_generator_that_somebody_else_closes_leaves_nobody_acting() -> None:
    async def names() -> AsyncGenerator[str | None]:
        with acting_as(DANA):
            yield who()

    async def main() -> None:
        generator = names()
        assert await anext(generator) == "dana"
        await asyncio.create_task(generator.aclose())
        assert who() is None

    asyncio.run(main())


def test_a_task_acts_as_where_it_was_started_also_when_that_is_over() -> None:
    async def later() -> str | None:
        await asyncio.sleep(0.001)
        with acting_as(KIM):
            await asyncio.sleep(0.001)
        return who()

    async def main() -> None:
        with acting_as(DANA):
            tasks = [asyncio.create_task(later()) for _ in range(3)]
        assert who() is None
        tasks.append(asyncio.create_task(later()))
        assert await asyncio.gather(*tasks) == ["dana", "dana", "dana", None]

    asyncio.run(main())


def kept() -> int:
    """How many still hold on to what stood around them."""
    gc.collect()
    return sum(isinstance(each, context._Held) and each.outer is not None for each in gc.get_objects())


def test_a_task_that_starts_the_next_one_does_not_keep_all_before_it() -> None:
    async def run(left: int) -> int:
        with acting_as(DANA):
            following = asyncio.create_task(run(left - 1)) if left else None
        if following:
            return await following
        return kept()

    before = kept()
    assert asyncio.run(run(50)) == before


def test_tasks_that_take_turns_never_act_as_each_other() -> None:
    async def work(actor: Actor) -> None:
        for _ in range(20):
            with serving(ip=actor.id):
                await asyncio.sleep(0)
                assert (who(), how()) == ("unknown", {"ip": actor.id})
                with acting_as(actor):
                    await asyncio.sleep(0)
                    assert (who(), how()) == (actor.id, {"ip": actor.id})
                    assert await asyncio.to_thread(who) == actor.id
            await asyncio.sleep(0)
            assert who() is None

    async def main() -> None:
        await asyncio.gather(*(work(Actor(id=f"u{i}")) for i in range(10)))

    asyncio.run(main())


def test_a_thread_acts_only_with_a_copied_context() -> None:
    with ThreadPoolExecutor(2) as pool, serving(**REQUEST), acting_as(DANA):
        assert pool.submit(who).result() is None
        assert pool.submit(copy_context().run, who).result() == "dana"
        found: list[str | None] = []
        thread = threading.Thread(target=copy_context().run, args=(lambda: found.append(who()),))
        thread.start()
        thread.join()
        assert found == ["dana"]
        assert pool.submit(who).result() is None


def test_who_is_found_in_a_request_acts_until_its_end_and_how_it_arrived_stays() -> None:
    with serving(**REQUEST):
        copy_context().run(set_actor, DANA)
        assert (who(), how()) == ("dana", REQUEST)
        with acting_as(KIM):
            assert who() == "kim"
            set_actor(Actor(id="max"), on_behalf_of=DANA)
            assert who() == "kim"
        assert who() == "max"
        with serving(**REQUEST):
            assert who() == "unknown"
    assert who() is None


def test_where_no_request_is_served_nobody_is_set() -> None:
    with pytest.raises(UsageError, match="No request"):
        set_actor(DANA)
    with acting_as(DANA), pytest.raises(UsageError, match="No request"):
        set_actor(KIM)


def test_an_actor_who_cannot_be_changes_nothing() -> None:
    with serving(**REQUEST):
        set_actor(DANA)
        with pytest.raises(EventError):
            set_actor(Actor(type="nobody"))  # type: ignore[arg-type]
        assert who() == "dana"


def test_the_id_of_an_actor_may_be_what_a_database_gives() -> None:
    given: tuple[Any, ...] = (42, UUID(int=7))
    for id_ in given:
        with serving(**REQUEST), acting_as(Actor(id=id_, on_behalf_of=Actor(id=id_))):
            held = now()
            assert held is not None
            assert (held.actor.id, held.actor.on_behalf_of) == (str(id_), Actor(id=str(id_)))
        with serving(**REQUEST):
            set_actor(Actor(id=id_))
            assert who() == str(id_)


@pytest.mark.parametrize("field", ["reason", "source", "ip", "user_agent", "request_id"])
def test_what_is_no_text_is_refused_by_its_name(field: str) -> None:
    wrong: dict[str, Any] = {field: 7}
    with pytest.raises(EventError, match=f"{field}: 7 is no text"):
        acting_as(DANA, **wrong)


def test_a_name_that_is_no_text_is_refused() -> None:
    wrong: Any = b"Dana"
    with pytest.raises(EventError, match=r"actor\.name: b'Dana' is no text"):
        acting_as(Actor(id="dana", name=wrong))
