"""A log on every store, the work beside it, and a receiver."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from indelible.event import Actor
from indelible.log import Log
from indelible.webhooks import lane, outcome
from indelible.webhooks.deliverer import Deliverer
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.secret import Secret, Secrets, key_path
from indelible.webhooks.service import Webhooks
from indelible.work.announcements import By
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.checking import check_signed
from tests.webhooks.receiver import Answer, Receiver, receiving
from tests.world import World

DANA = By(actor=Actor(id="u_1", name="Dana Lee", email="dana@acme.test"))
LOOPBACK = [ip_network("127.0.0.0/8")]


@dataclass
class Hooked:
    """`deliver` starts a deliverer, ended with the test."""

    log: Log
    log_url: str
    work: Work
    webhooks: Webhooks
    deliver: Callable[..., Deliverer]

    def add(self, url: str, **fields: Any) -> tuple[Endpoint, Secret]:
        return self.webhooks.endpoints.add(url, DANA, **fields)

    def states(self, endpoint: Endpoint) -> dict[str, int]:
        return self.webhooks.deliveries.states(endpoint.id)


@pytest.fixture
def hooked(either: World) -> Iterator[Hooked]:
    work = open_work(either.log_url)
    secrets = Secrets.kept(key_path(either.log.store.key_path), work)
    webhooks = Webhooks(either.log, work, secrets, allowed=LOOPBACK, pages="https://portal.test/audit")
    running: list[Deliverer] = []

    def deliver(**options: Any) -> Deliverer:
        options = {"allowed": LOOPBACK, "pages": "https://portal.test/audit"} | options
        deliverer = Deliverer(either.log, work, webhooks.endpoints, **options)
        deliverer.start()
        running.append(deliverer)
        return deliverer

    yield Hooked(either.log, either.log_url, work, webhooks, deliver)
    for each in running:
        each.stop()
    work.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


SOON = 0.05  # seconds, in place of the specification's


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine retries within moments; the schedule itself is in test_outcome."""
    monkeypatch.setattr(outcome, "SCHEDULE", (SOON,) * 9)
    monkeypatch.setattr(lane, "LOOK", SOON)


def until(holds: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def failing(count: int) -> Callable[[int, str], Answer]:
    """Each message that many times, and then never again."""
    tries: dict[str, int] = {}

    def behave(_number: int, message: str) -> Answer:
        tries[message] = tries.get(message, 0) + 1
        return Answer(500) if tries[message] <= count else Answer()

    return behave


def messages(hooked: Hooked, type_: str) -> set[str]:
    return {f"msg_{entry.id.hex}" for entry in check_signed(hooked.log) if entry.entity.type == type_}
