"""What runs by itself acts in its own name, whoever started it."""

import asyncio
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import Any

import pytest
from sqlalchemy import Engine

from indelible.capture.context import acting, acting_as, serving
from indelible.errors import UsageError
from indelible.event import Actor
from indelible.integrations.jobs import job
from tests.integrations.servers import T, told, write
from tests.world import World

DANA = Actor(id="dana")


@pytest.fixture
def engine(world: World) -> Engine:
    world.watch(T)
    return world.engine()


def test_a_job_acts_in_its_own_name_and_each_run_has_an_id(world: World, engine: Engine) -> None:
    @job("license-expiry", schedule="daily at 02:00")
    def expire(id_: str, *, twice: bool = False) -> str:
        write(engine, id_)
        if twice:
            write(engine, id_ + "-again")
        return id_

    @job("clean-up")
    async def clean_up(id_: str) -> None:
        await asyncio.sleep(0)
        await asyncio.to_thread(write, engine, id_)

    assert expire("1", twice=True) == "1"
    expire("2")
    asyncio.run(clean_up("3"))
    entries = world.sealed()
    assert {entry.actor for entry in entries[:3]} == {Actor.system("license-expiry")}
    assert [entry.reason for entry in entries] == ["daily at 02:00"] * 3 + [None]
    assert [told(entry)[:5] for entry in entries[2:]] == [
        ("2", "license-expiry", "job", None, None),
        ("3", "clean-up", "job", None, None),
    ]
    first, again, second, third = (entry.context.request_id for entry in entries)
    assert first == again
    assert len({first, second, third} - {None}) == 3


def test_a_job_is_no_part_of_the_request_that_started_it(world: World, engine: Engine) -> None:
    expire = job("license-expiry")(write)
    with serving(source="portal", ip="203.0.113.9", user_agent="test/1", request_id="r1"), acting_as(DANA, reason="x"):
        expire(engine, "1")
        write(engine, "2")
    ours, theirs = world.sealed()
    assert (told(ours)[1:5], ours.reason) == (("license-expiry", "job", None, None), None)
    assert ours.context.request_id != "r1"
    assert told(theirs) == ("2", "dana", "portal", "203.0.113.9", "test/1", "r1")


def test_whoever_a_job_names_inside_is_named(world: World, engine: Engine) -> None:
    @job("mail-in")
    def read_mail(id_: str) -> None:
        with acting_as(DANA):
            write(engine, id_)

    read_mail("1")
    (entry,) = world.sealed()
    assert told(entry)[:3] == ("1", "dana", "job")


def test_the_queues_own_id_of_a_run_is_taken_where_it_is_given(world: World, engine: Engine) -> None:
    class Task:
        """As a bound task has it."""

        id: str | None = "task-7"

    @job("license-expiry", run_id=lambda task, *_: task.id)
    def expire(_task: Task, id_: str) -> None:
        write(engine, id_)

    task = Task()
    expire(task, "1")
    task.id = None
    expire(task, "2")
    first, second = (entry.context.request_id for entry in world.sealed())
    assert first == "task-7"
    assert len(second or "") == 32


def test_jobs_in_threads_and_tasks_never_act_as_each_other(world: World, engine: Engine) -> None:
    barrier, meeting = threading.Barrier(2), asyncio.Barrier(2)

    def threaded(name: str) -> None:
        @job(name)
        def run() -> None:
            for turn in "abc":
                barrier.wait(10)
                write(engine, f"{name}-{turn}")

        run()

    async def tasked(name: str) -> None:
        @job(name)
        async def run() -> None:
            for turn in "abc":
                await meeting.wait()
                write(engine, f"{name}-{turn}")

        await run()

    async def main() -> None:
        await asyncio.gather(tasked("third"), tasked("fourth"))

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(threaded, ["first", "second"]):
            pass
    asyncio.run(main())
    entries = world.sealed()
    assert len(entries) == 12
    for entry in entries:
        assert entry.entity.id.rpartition("-")[0] == entry.actor.id
    assert len({(entry.actor.id, entry.context.request_id) for entry in entries}) == 4


def test_a_job_that_fails_says_so_and_leaves_nobody_acting() -> None:
    @job("license-expiry")
    def expire() -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        expire()
    assert acting() is None


def test_a_scheduler_and_a_queue_find_the_function_they_were_given() -> None:
    @job("license-expiry")
    def expire(_self: object, days: int = 3, *, _dry: bool = False) -> int:
        """Doc."""
        return days

    @job("license-expiry")
    async def later() -> None: ...

    wanted = ["_self", "days", "_dry"]
    assert list(inspect.signature(expire, follow_wrapped=False).parameters) == wanted
    spec = inspect.getfullargspec(expire)
    assert [*spec.args, *spec.kwonlyargs] == wanted
    assert (expire.__name__, expire.__doc__, expire.__module__) == ("expire", "Doc.", __name__)
    assert expire(None, 4) == 4
    assert inspect.iscoroutinefunction(later)
    assert copy_context().run(expire, None) == 3


def test_whatever_is_awaited_in_the_end_is_a_job_s_all_the_same(world: World, engine: Engine) -> None:
    async def later(id_: str) -> None:
        await asyncio.sleep(0)
        write(engine, id_)

    def traced(function: Any) -> Any:
        @wraps(function)
        def around(*given: object) -> object:
            return function(*given)

        return around

    class Callables:
        async def __call__(self, id_: str) -> None:
            await later(id_)

    class Tasks:
        @job("run")
        @staticmethod
        async def static(id_: str) -> None:
            await later(id_)

        @job("run")
        @classmethod
        async def of_the_class(cls, id_: str) -> None:
            assert cls is Tasks
            await later(id_)

    async def main() -> None:
        await Tasks.static("1")
        await Tasks().static("2")
        await Tasks().of_the_class("3")
        await job("run")(traced(later))("4")
        await job("run")(Callables())("5")
        await job("run")(partial(later, "6"))()
        await job("run")(lambda: later("7"))()
        await job("run")(lambda: asyncio.create_task(later("8")))()

    asyncio.run(main())
    assert inspect.iscoroutinefunction(Tasks.static)
    assert [told(entry)[:3] for entry in world.sealed()] == [(str(n), "run", "job") for n in range(1, 9)]
    assert acting() is None


def test_a_job_without_a_name_or_that_runs_later_is_refused() -> None:
    def rows() -> Iterator[int]:
        yield 1

    bare: Any = job
    with pytest.raises(UsageError, match="A job needs a name"):
        bare(rows)
    with pytest.raises(UsageError, match="rows is a generator"):
        job("rows")(rows)
    with pytest.raises(UsageError, match="rows is a generator"):
        job("rows")(staticmethod(rows))
    with pytest.raises(UsageError, match="is a generator"):
        job("rows")(lambda: rows())()  # noqa: PLW0108 - which does not say what it is
