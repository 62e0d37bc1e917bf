"""Whoever listens hears of each entry as it is signed, of their organization alone, and misses none when cut off."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from indelible import Viewer
from indelible.event import Entity, Organization
from indelible.log import Log
from indelible.upkeep import Upkeep
from indelible.web import create_app, live
from tests.integrations.servers import asgi
from tests.store.test_log import happened
from tests.web.conftest import DANA
from tests.world import World

ACME = Organization("acme", "Acme")


class Desk:
    """Who may look, which may change, and the server."""

    def __init__(self, log: Log, client: httpx2.Client) -> None:
        self.log, self.client = log, client
        self.organization: str | None = None
        self.signed_in = True

    def viewer(self, _request: Request) -> Viewer | Response:
        viewer = Viewer(actor=DANA, organization=self.organization)
        return viewer if self.signed_in else PlainTextResponse("who are you?", 401)

    @contextmanager
    def listening(self, address: str = "/audit/live", **headers: str) -> Iterator["Heard"]:
        with self.client.stream("GET", address, headers=headers, timeout=20) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Heard(answer)


class Heard:
    """Events as a browser takes them from the stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.iter_lines()
        self.last: str | None = None

    def next(self) -> int:
        """The sequence number of the next entry."""
        data = ""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last = value
            elif name == "data":
                data = value
            elif not line and data:
                seq = json.loads(data)["seq"]
                assert self.last == str(seq)
                return int(seq)
        raise EOFError

    def ended(self) -> bool:
        return not any(line.startswith("data") for line in self._lines)


@pytest.fixture
def desk(either: World) -> Iterator[Desk]:
    made = Desk(either.log, httpx2.Client())
    upkeep = Upkeep(either.log, either.log_url, [])
    app = create_app(either.log, viewer=made.viewer, shell=None, refresh=lambda: None, upkeep=upkeep)
    with asgi(Starlette(routes=[Mount("/audit", app)]), timeout_graceful_shutdown=1) as client:
        made.client = client
        yield made
    upkeep.close()


def test_each_entry_comes_as_it_is_signed(desk: Desk) -> None:
    desk.log.append([happened()])
    with desk.listening() as heard:
        latencies = []
        for number in range(1, 20):
            threading.Timer(0.02, lambda: desk.log.append([happened()])).start()
            began = time.monotonic()
            assert heard.next() == number, "what was there before is not news"
            latencies.append(time.monotonic() - began)
    assert sorted(latencies)[10] < 0.3


def test_another_process_is_heard_of_too(desk: Desk, either: World) -> None:
    with desk.listening() as heard, Log.open(either.log_url) as other:
        other.append([happened()])
        assert heard.next() == 0


def test_who_comes_back_hears_what_was_missed_and_nothing_twice(desk: Desk) -> None:
    desk.log.append([happened() for _ in range(3)])
    with desk.listening("/audit/live?after=0") as heard:
        assert [heard.next(), heard.next()] == [1, 2]
    desk.log.append([happened() for _ in range(200)])
    with desk.listening(**{"Last-Event-ID": str(heard.last)}) as again:
        assert [again.next() for _ in range(200)] == list(range(3, 203))


def test_who_comes_from_beyond_the_end_hears_what_comes_now(desk: Desk) -> None:
    desk.log.append([happened()])
    for address, headers in (("/audit/live", {"Last-Event-ID": "1000000"}), ("/audit/live?after=1000000", {})):
        size = desk.log.head().size
        with desk.listening(address, **headers) as heard:
            desk.log.append([happened()])
            assert heard.next() == size


def test_what_somebody_saw_before_it_was_signed_is_not_new_to_them(desk: Desk, either: World) -> None:
    with Log.open(either.log_url, sign=False) as another, another.appending() as appending:
        for _ in range(3):
            appending.add(happened())
    with desk.listening("/audit/live?after=2") as heard:
        desk.log.append([happened()])
        assert heard.next() == 3


def test_a_range_holds_for_what_is_new(desk: Desk) -> None:
    with desk.listening("/audit/live?since=2026-11-20") as heard:
        desk.log.append([happened(occurred_at=datetime(2026, 11, day, tzinfo=UTC)) for day in (19, 21)])
        assert heard.next() == 1


def test_a_filter_and_an_organization_hold(desk: Desk) -> None:
    desk.organization = "acme"
    with desk.listening("/audit/live?q=entity:License -lic_1") as heard:
        desk.log.append([
            happened(), happened(organization=Organization("other")),
            happened(organization=ACME, entity=Entity("User", "u")),
            happened(organization=ACME, entity=Entity("License", "lic_1")), happened(organization=ACME),
        ])  # fmt: skip
        assert heard.next() == 4


def test_silence_is_broken_now_and_then_and_moves_the_number_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.1)
    monkeypatch.setattr(live, "LOOK", 0.05)
    with desk.listening("/audit/live?q=nothing_of_that_name") as heard:
        desk.log.append([happened()])
        assert "id: 0" in heard._lines


def test_who_is_signed_out_hears_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.1)
    monkeypatch.setattr(live, "LOOK", 0.05)
    with desk.listening() as heard:
        desk.signed_in = False
        time.sleep(0.3)
        desk.log.append([happened()])
        assert heard.ended()


def test_who_is_not_let_in_hears_nothing(desk: Desk) -> None:
    desk.signed_in = False
    assert desk.client.get("/audit/live").status_code == 401


def test_a_search_that_cannot_be_read_is_a_problem(desk: Desk) -> None:
    answer = desk.client.get("/audit/live?q=foo:1")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "This search cannot be read"


def test_followers_that_left_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.05)
    with desk.listening():
        pass
    until = time.monotonic() + 5
    while desk.log._followers and time.monotonic() < until:
        time.sleep(0.05)
    assert desk.log._followers == []
