"""Appends that come at once share a transaction, and none of them shares another's mistake."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from indelible.errors import Error, EventError, LogError, VerificationError
from indelible.group import MOST, Batch, Group, Placed
from indelible.log import Log
from tests.checking import check, check_signed
from tests.store.test_log import happened
from tests.world import World


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads got, or raised."""
    got: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            got[number] = work(number)
        except Error as error:
            got[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_each_caller_learns_its_own_numbers(world: World) -> None:
    got = at_once(20, lambda number: world.log.append(happened(reason=f"{number}") for _ in range(3)))
    assert sorted(seq for numbers in got for seq in numbers) == list(range(60))
    for number, numbers in enumerate(got):
        assert numbers == sorted(numbers)
        assert {world.log.entry(seq).reason for seq in numbers} == {f"{number}"}
    assert len(check_signed(world.log)) == 60


def test_what_is_sent_again_is_there_once_and_its_place_is_told(world: World) -> None:
    """However many send it at once, and twice in one batch, too."""
    first, second = happened(), happened()
    before = world.log.append([happened(), first])
    got = at_once(12, lambda _: world.log.append_once([first, second, second]))
    places = {tuple(place.seq for place in each) for each in got}
    assert places == {(before[1], 2, 2)}
    assert sum(place.new for each in got for place in each) == 1
    assert len(check_signed(world.log)) == 3


class Slow:
    """Counts the transactions; the first one lasts until the others wait."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.groups: list[int] = []

    def seal(self, groups: Sequence[Batch]) -> list[list[Placed]]:
        if not self.groups:
            time.sleep(0.3)
        self.groups.append(len(groups))
        with self._log.appending() as appending:
            return [[Placed(appending.add(each), new=True) for each in batch.events] for batch in groups]


def test_those_that_wait_are_committed_together(world: World) -> None:
    slow = Slow(world.log)
    group = Group(slow.seal, world.log.sign)
    at_once(10, lambda _: group.append(Batch([happened()])))
    assert slow.groups[0] <= 10
    assert len(slow.groups) <= 3
    assert len(check_signed(world.log)) == 10


def test_one_callers_mistake_is_not_anothers(world: World) -> None:
    slow = Slow(world.log)
    group = Group(slow.seal, world.log.sign)

    def append(number: int) -> list[Placed]:
        return group.append(Batch([happened(), happened(action="LICENSE_ASSIGNED" if number % 3 else "wrong")]))

    got = at_once(9, append)
    assert [isinstance(each, EventError) for each in got] == [number % 3 == 0 for number in range(9)]
    assert len(check_signed(world.log)) == 12


def test_what_is_sealed_and_not_signed_is_told_to_each_and_appended_once(world: World) -> None:
    slow = Slow(world.log)

    def sign() -> None:
        raise VerificationError("rolled back", "the signer refuses.")

    group = Group(slow.seal, sign)
    got = at_once(5, lambda _: group.append(Batch([happened()])))
    assert all(isinstance(each, VerificationError) for each in got)
    assert len(check(world.log)) == 5


def test_a_group_has_so_many_events_at_most() -> None:
    sizes: list[int] = []

    def seal(groups: Sequence[Batch]) -> list[list[Placed]]:
        if not sizes:
            time.sleep(0.3)
        sizes.append(sum(len(batch.events) for batch in groups))
        return [[] for _ in groups]

    group = Group(seal, lambda: None)
    event = happened()
    at_once(8, lambda _: group.append(Batch([event] * (MOST // 3))))
    assert sum(sizes) == 8 * (MOST // 3)
    assert max(sizes) <= MOST
    group.append(Batch([event] * 2 * MOST))
    assert sizes[-1] == 2 * MOST


def test_an_interrupt_of_the_one_that_serves_leaves_nobody_waiting() -> None:
    def seal(_groups: Sequence[Batch]) -> list[list[Placed]]:
        time.sleep(0.2)
        raise KeyboardInterrupt

    group = Group(seal, lambda: None)

    def interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            group.append(Batch([happened()]))

    threads = [threading.Thread(target=interrupted) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_log_that_refuses_says_so_to_each(world: World) -> None:
    world.log.close()
    assert all(isinstance(each, LogError) for each in at_once(4, lambda _: world.log.append([happened()])))


def test_one_that_is_interrupted_as_it_waits_takes_its_events_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(world.log)
    group = Group(slow.seal, world.log.sign)
    first = threading.Thread(target=group.append, args=(Batch([happened(reason="first")]),))
    first.start()
    time.sleep(0.1)

    def interrupt(_self: threading.Event, _timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        group.append(Batch([happened(reason="interrupted")]))
    monkeypatch.undo()
    first.join()
    assert group.append(Batch([happened(reason="after")])) == [Placed(1, new=True)]
    assert [entry.reason for entry in check_signed(world.log)] == ["first", "after"]
