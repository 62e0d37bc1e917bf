"""What a program records reaches the log once, whatever is killed and however long the server is away."""

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from indelible.client import ApiError, AsyncClient, Client
from indelible.client.spool import Spool
from indelible.errors import EventError, LogError, UsageError
from indelible.event import Actor, Entity
from indelible.log import Log
from indelible.merkle.tlog_proof import TlogProof
from tests.checking import check_signed
from tests.serve.conftest import INDELIBLE, Server, Start, key, start, until  # noqa: F401 - fixtures

EVENTS = int(os.environ.get("INDELIBLE_SPOOLED", "200"))
LICENSE = Entity("License", "lic_9", "Pro seat 9")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/audit.db"


@pytest.fixture
def server(start: Start, url: str) -> Server:  # noqa: F811 - the fixture
    return start(url)


@pytest.fixture
def text(server: Server, url: str) -> str:  # noqa: ARG001 - the log is there once it is served
    return key(url, "append", "read")["Authorization"].removeprefix("Bearer ")


def reasons(url: str) -> list[str]:
    with Log.open(url, sign=False) as log:
        return [entry.reason or "" for entry in check_signed(log) if entry.action == "LICENSE_ASSIGNED"]


def test_what_is_recorded_is_in_the_log_in_its_order_and_gone_from_the_spool(
    server: Server, text: str, url: str, tmp_path: Path
) -> None:
    with Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as client:
        for number in range(1200):
            client.record(
                "LICENSE_ASSIGNED", LICENSE, actor=Actor(id="dana"), reason=f"{number}", changes={"n": {"new": number}}
            )
        assert client.flush()
        assert (client.pending(), client.refused(), client.failure) == (0, [], None)
    assert reasons(url) == [f"{number}" for number in range(1200)]
    assert oct((tmp_path / "spool").stat().st_mode & 0o777) == "0o600"


def test_while_the_server_is_away_events_wait_on_the_disk(start: Start, url: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    with Log.create(url):
        pass
    text = key(url, "append")["Authorization"].removeprefix("Bearer ")
    away = Client("http://127.0.0.1:9/api/v1", text, spool=tmp_path / "spool", timeout=1)
    away.record("LICENSE_ASSIGNED", LICENSE, reason="kept")
    assert not away.flush(0.5)
    assert "no answer" in (away.failure or "")
    away.close()
    with Client(f"{start(url).address}/api/v1", text, spool=tmp_path / "spool") as back:
        assert back.flush()
    assert reasons(url) == ["kept"]


RECORDING = """
import sys, time
from indelible.client import Client
from indelible.event import Entity
url, key, spool, count, first = sys.argv[1:]
with Client(url, key, spool=spool, timeout=5) as client:
    for number in range(int(first), int(count)):
        client.record("LICENSE_ASSIGNED", Entity("License", "lic_9"), reason=str(number))
        print(number, flush=True)
        time.sleep(0.02)
    client.flush(120)
"""


LATER = 0.8  # of the kills come once it is at work: on a machine that is slow to begin, nothing else would


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_killed_at_any_moment_client_and_server_lose_and_double_nothing(tmp_path: Path, url: str) -> None:
    """What `record` gave back, and what it was about to, is in the log once."""
    chance, spool = random.Random(7), str(tmp_path / "spool")  # noqa: S311 - about the same moments in each run
    with Log.create(url):
        pass
    text = key(url, "append")["Authorization"].removeprefix("Bearer ")
    recorded, port = -1, _free_port()
    api, stop = f"http://127.0.0.1:{port}/api/v1", threading.Event()

    def serve() -> None:
        while not stop.is_set():
            command = [str(INDELIBLE), "serve", url, "--port", str(port)]
            quiet = subprocess.DEVNULL
            process = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=tmp_path)
            if chance.random() < LATER:
                until(lambda: stop.is_set() or _answers(port))
            stop.wait(chance.uniform(0.1, 1.2))
            process.kill()
            process.wait()

    killer = threading.Thread(target=serve)
    killer.start()
    kills = 0
    while recorded < EVENTS - 1:
        command = [sys.executable, "-c", RECORDING, api, text, spool, str(EVENTS), str(recorded + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline() if chance.random() < LATER else ""
            timer = threading.Timer(chance.uniform(0.1, 1.0), process.kill)
            timer.start()
            told = [int(line) for line in (first, *process.stdout) if line.strip().isdigit()]
            timer.cancel()
        kills += process.returncode == -signal.SIGKILL
        recorded = max([recorded, *told])
    stop.set()
    killer.join()
    with Log.open(url) as log:
        log.sign()
    server = subprocess.Popen([INDELIBLE, "serve", url, "--port", str(port)], stdout=subprocess.DEVNULL, cwd=tmp_path)
    try:
        with Client(api, text, spool=spool) as client:
            assert client.flush(60)
            assert client.refused() == []
    finally:
        server.terminate()
        server.wait(20)
    found = [int(reason) for reason in reasons(url)]
    assert kills > 0
    assert set(found) == set(range(EVENTS))
    # One whose number was not printed yet when its process was killed is recorded by the next one, as another event.
    assert len(found) <= EVENTS + kills


def test_what_the_server_will_never_take_is_set_aside_and_holds_nothing_up(
    server: Server, text: str, url: str, tmp_path: Path
) -> None:
    with Client("http://127.0.0.1:9/api/v1", text, spool=tmp_path / "spool", timeout=1) as client:
        client.record("LICENSE_ASSIGNED", LICENSE, reason="first")
        _put(tmp_path / "spool", reason="x" * 20_000)
        _put(tmp_path / "spool", metadata={"row": 1})
        client.record("LICENSE_ASSIGNED", LICENSE, reason="last")
    with Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as client:
        assert not client.flush()  # it says so
        assert client.pending() == 0
        refused = client.refused()
        _put(tmp_path / "spool", metadata={"row": 2})  # again and again
        assert not client.flush()
        client.record("LICENSE_ASSIGNED", LICENSE, reason="after")
        assert client.flush()
        assert len(client.refused()) == 3
    assert reasons(url) == ["first", "last", "after"]
    assert [json.loads(event)["entity"]["id"] for event, _ in refused] == ["lic_9", "lic_9"]
    assert ["reason" in why or "metadata" in why for _, why in refused] == [True, True]


def _put(spool: Path, **told: object) -> None:
    """As a program of another version would, that knows of no such rule."""
    event = {"id": str(uuid4()), "action": "LICENSE_ASSIGNED", "entity": {"type": "License", "id": "lic_9"}} | told
    with closing(Spool(spool)) as open_:
        open_.put(json.dumps(event))


def test_a_key_that_opens_nothing_loses_nothing(server: Server, text: str, url: str, tmp_path: Path) -> None:
    other = text[:-1] + ("E" if text.endswith("A") else "A")
    with Client(f"{server.address}/api/v1", other, spool=tmp_path / "spool") as wrong:
        wrong.record("LICENSE_ASSIGNED", LICENSE, reason="kept")
        assert until(lambda: wrong.failure is not None)
        assert "401" in str(wrong.failure)
        assert text[:-1] not in str(wrong.failure)
    with Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as right:
        assert right.flush()
    assert reasons(url) == ["kept"]


@pytest.mark.parametrize("path", ["", "/api/v1x", "/healthz"])
def test_an_address_that_is_no_api_loses_nothing(
    server: Server, text: str, url: str, tmp_path: Path, path: str
) -> None:
    with Client(server.address + path, text, spool=tmp_path / "spool") as wrong:
        wrong.record("LICENSE_ASSIGNED", LICENSE, reason="kept")
        assert not wrong.flush(1)
        assert (wrong.pending(), wrong.refused()) == (1, [])
        assert wrong.failure is not None
    with Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as right:
        assert right.flush()
    assert reasons(url) == ["kept"]


ANSWERS = {
    "nothing": (204, "text/plain", b""),
    "another object": (200, "application/json", b"{}"),
    "a text": (200, "application/json", b'"OK"'),
    "a page": (200, "text/html", b"<html>Sign in</html>"),
    "other events": (201, "application/json", b'{"events":[{"seq":0,"id":"x","new":true}]}'),
    "fewer events": (201, "application/json", b'{"events":[]}'),
    "no such path": (404, "application/json", b'{"detail":"Not Found"}'),
    "another service's fields": (422, "application/json", b'{"detail":[{"loc":["body"],"msg":"field required"}]}'),
    "another service's errors": (400, "application/json", b'{"detail":"JSON parse error","errors":5}'),
    "a later moment": (503, "text/plain", b"99999999999999999999"),
}


@pytest.mark.parametrize("told", ANSWERS)
def test_whatever_else_answers_loses_nothing(server: Server, text: str, url: str, tmp_path: Path, told: str) -> None:
    with answering(*ANSWERS[told]) as address, Client(address, text, spool=tmp_path / "spool") as wrong:
        wrong.record("LICENSE_ASSIGNED", LICENSE, reason="kept")
        assert until(lambda: wrong.failure is not None)
        assert (wrong.pending(), wrong.refused()) == (1, [])
    with Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as right:
        assert right.flush()
    assert reasons(url) == ["kept"]


@contextmanager
def answering(status: int, kind: str, body: bytes) -> Iterator[str]:
    """Something else that listens where the API was thought to be."""

    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status == 503:
                self.send_header("Retry-After", body.decode())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/api/v1"
        listening.shutdown()
        thread.join()


def test_a_problem_that_names_what_was_not_sent_sets_each_refused_event_aside_once(tmp_path: Path) -> None:
    problem = {"status": 422, "detail": "x", "errors": [{"pointer": "/events/99/reason"}, 5, {"pointer": "/events/²"}]}
    body = json.dumps(problem).encode()
    with (
        answering(422, "application/problem+json", body) as address,
        Client(address, "key", spool=tmp_path / "spool") as client,
    ):
        client.record("LICENSE_ASSIGNED", LICENSE)
        client.record("LICENSE_ASSIGNED", LICENSE)
        assert not client.flush()
        assert (client.pending(), len(client.refused())) == (0, 2)


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(server: Server, text: str, url: str) -> None:
    event = {"action": "LICENSE_ASSIGNED", "entity": {"type": "License", "id": "lic_9"}}
    with Client(f"{server.address}/api/v1", text) as client:
        client.send([event])
        time.sleep(6)  # longer than the server keeps what is idle
        client.send([event])
    assert len(reasons(url)) == 2


def test_two_processes_share_a_spool_and_one_sends(server: Server, text: str, url: str, tmp_path: Path) -> None:
    first = Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool")
    second = Client(f"{server.address}/api/v1", text, spool=tmp_path / "spool")
    for number in range(100):
        (first, second)[number % 2].record("LICENSE_ASSIGNED", LICENSE, reason=f"{number}")
    assert second.flush()
    first.close()
    second.close()
    assert sorted(map(int, reasons(url))) == list(range(100))


def test_send_gives_places_and_proofs_at_once(server: Server, text: str, url: str) -> None:
    with Client(f"{server.address}/api/v1", text) as client:
        event = {"action": "LICENSE_ASSIGNED", "entity": {"type": "License", "id": "lic_9"}, "reason": "now"}
        (recorded,) = client.send([event], proof=True)
        with Log.open(url, sign=False) as log:
            proof = TlogProof.parse(recorded.proof or "")
            proof.verify(log.line(recorded.seq), log.keys)
        assert [entry["seq"] for entry in client.search("license")] == [recorded.seq]
        with pytest.raises(ApiError) as refused:
            client.send([event | {"nose": 1}])
        assert (refused.value.status, refused.value.again) == (422, None)
        with pytest.raises(UsageError, match="spool"):
            client.record("LICENSE_ASSIGNED", LICENSE)


def test_it_is_the_same_for_asyncio(server: Server, text: str, url: str, tmp_path: Path) -> None:
    async def used() -> list[str]:
        async with AsyncClient(f"{server.address}/api/v1", text, spool=tmp_path / "spool") as client:
            await asyncio.gather(*(client.record("LICENSE_ASSIGNED", LICENSE, reason=f"{n}") for n in range(20)))
            assert await client.flush()
            return [entry["reason"] for entry in await client.search("license", limit=5)]

    assert len(asyncio.run(used())) == 5
    assert len(reasons(url)) == 20


@pytest.mark.parametrize("address", ["ftp://x/", "http://audit.acme.test/api/v1", "audit.acme.test", "https://", ""])
def test_a_key_is_sent_to_an_api_over_https_or_to_this_machine(address: str) -> None:
    with pytest.raises(UsageError, match="no address of an API"):
        Client(address, "key")


def test_what_is_no_event_is_told_where_it_is_recorded(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9/", "key", spool=tmp_path / "spool") as client:
        with pytest.raises(EventError, match="ENTITY_PASTVERB"):
            client.record("assigned", LICENSE)
        wrong: list[tuple[Entity, dict[str, Any], str]] = [
            (Entity("", ""), {}, "entity"),
            (LICENSE, {"outcome": "meh"}, "outcome"),
            (LICENSE, {"changes": {"seats": 5}}, "changes"),
            (LICENSE, {"reason": "x" * 10_001}, "reason"),
            (LICENSE, {"actor": Actor(type="database")}, "actor"),
            (LICENSE, {"metadata": {"row": 1}}, "metadata: 'row'"),
            (LICENSE, {"metadata": {"x": object()}}, "JSON cannot carry"),
            (LICENSE, {"changes": {"x": {"new": json.loads("[" * 60 + "]" * 60)}}}, "changes: .* more than 50 deep"),
            (LICENSE, {"reason": "\ud800"}, "JSON cannot carry"),
        ]
        for entity, told, said in wrong:
            with pytest.raises(EventError, match=said):
                client.record("LICENSE_ASSIGNED", entity, **told)
        assert client.pending() == 0


def test_a_spool_that_cannot_be_written_is_said_and_nothing_is_half_done(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be used"):
        Client("http://127.0.0.1:9/", "key", spool=tmp_path / "no" / "spool")
    client = Client("http://127.0.0.1:9/", "key", spool=tmp_path / "spool", timeout=1)
    other = sqlite3.connect(tmp_path / "spool", isolation_level=None)
    other.execute("DROP TABLE waiting")
    with pytest.raises(LogError, match="cannot be used"):
        client.record("LICENSE_ASSIGNED", LICENSE)
    other.close()
    with suppress(LogError):
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_does_not_ask_again_and_again_where_nobody_answers(tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:9/", "key", spool=tmp_path / "spool", timeout=1)
    client.record("LICENSE_ASSIGNED", LICENSE)
    time.sleep(1.5)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 5
    assert client.failure is not None


def test_a_spool_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=rf"there is no folder {tmp_path}/none. Make it, or name a spool in another one"):
        Client("http://127.0.0.1:1", "key", spool=tmp_path / "none" / "spool.db")
