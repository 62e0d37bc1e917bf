"""Deliveries a second, against the bare client that makes them; and what a bad receiver costs its neighbours.

    python -m benchmarks.webhooks [--entries 20000] [--rounds 5]      rate
    python -m benchmarks.webhooks --neighbours                        99 healthy endpoints, with a bad one and without
    python -m benchmarks.webhooks --chaos 10000 [--postgres]          every second request goes wrong; two kills

The good receiver is a process of its own that reads each request and answers 200. The floor posts the very bodies and
headers that a delivery has, 50 at a time, with aiohttp and nothing else: no log, no proof, no signature, no record.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import apsw
from tests.postgres import Server, new_folder
from tests.store.test_log import happened
from tests.webhooks.chaos import survive, unreliable
from tests.webhooks.conftest import DANA, Hooked
from tests.webhooks.receiver import receiving

from indelible.event import Actor, Context, Entity, Event, Organization
from indelible.log import Log
from indelible.webhooks import signing
from indelible.webhooks.deliverer import Deliverer
from indelible.webhooks.reading import Reading
from indelible.webhooks.secret import Secrets, key_path
from indelible.webhooks.service import Webhooks
from indelible.work.place import open_work

WIDTH = 50
LOOPBACK = [ip_network("127.0.0.0/8")]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Protocol(asyncio.Protocol):
    """Reads whole requests, remembers when which came, answers each. GET tells what was remembered, and forgets it."""

    came: ClassVar[list[tuple[float, str, str]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].decode()
            found = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._data) < size:
                return
            self._data = self._data[size:]
            self._answer(head)

    def _answer(self, head: str) -> None:
        if head.startswith("GET"):
            told = json.dumps(self.came).encode()
            self.came.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
            return
        found = re.search(r"webhook-id: (\S+)", head)
        self.came.append((time.time(), head.split(" ", 2)[1], found[1] if found else ""))
        self._transport.write(ANSWER)


def serve(port: Any) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0, backlog=1024)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def good() -> Iterator[str]:
    port = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=serve, args=(port,))
    process.start()
    while not port.value:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port.value}"
    process.kill()
    process.join()


def came(url: str) -> list[tuple[float, str, str]]:
    with urllib.request.urlopen(f"{url}/came") as told:  # noqa: S310 - our own receiver
        return [tuple(each) for each in json.load(told)]


def event(number: int) -> Event:
    """Of about 550 bytes, as in benchmarks/append.py."""
    return happened(
        actor=Actor(id=f"u_{number % 5000}", name="Dana Lee", email=f"dana{number % 5000}@acme.test"),
        entity=Entity("License", f"lic_{number % 9999}", f"Pro seat {number % 9999}"),
        organization=Organization(f"org_{number % 1000}", "Acme"),
        changes={"assignee_id": {"old": None, "new": f"u_{number % 7777}"}},
        context=Context(source="portal", ip="203.0.113.9", user_agent="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
    )


@contextmanager
def world(url: str) -> Iterator[Hooked]:
    log = Log.create(url)
    with closing(open_work(url)) as work:
        webhooks = Webhooks(log, work, Secrets.kept(key_path(log.store.key_path), work), allowed=LOOPBACK, pages="")

        def deliver(**options: Any) -> Deliverer:
            made = Deliverer(log, work, webhooks.endpoints, **({"allowed": LOOPBACK} | options))
            made.start()
            return made

        yield Hooked(log, url, work, webhooks, deliver)
    log.close()


async def bare(url: str, requests: list[tuple[dict[str, str], bytes]]) -> float:
    """Seconds. Nothing but the client."""
    waiting = iter(requests)

    async def worker(session: aiohttp.ClientSession) -> None:
        for headers, body in waiting:
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(worker(session) for _ in range(WIDTH)))
        return time.perf_counter() - began


def requests_of(hooked: Hooked, entries: int) -> list[tuple[dict[str, str], bytes]]:
    secret, made = Secrets(bytes(32)).of("wh_0", 1), []
    reading = Reading(hooked.log, "")
    for start in range(0, entries, 256):
        stretch = reading.read(start, min(entries, start + 256))
        for seq in range(stretch.start, stretch.stop):
            body = stretch.body(seq)
            headers = signing.headers(signing.message_id(stretch[seq].entry.id), int(time.time()), body, [secret])
            made.append((headers | signing.JSON, body))
    return made


def ours(hooked: Hooked, url: str, entries: int) -> float:
    """Seconds, from the start of a server that finds all of it undelivered to the last of it, written down."""
    endpoint, _ = hooked.add(f"{url}/ours", filter="entity:License")
    rewind(hooked, endpoint.id)
    began = time.perf_counter()
    deliverer = hooked.deliver(width=WIDTH)
    while hooked.webhooks.endpoints.get(endpoint.id).cursor < entries:
        time.sleep(0.01)
    took = time.perf_counter() - began
    deliverer.stop()
    hooked.webhooks.endpoints.remove(endpoint.id, DANA)
    assert len({message for _, path, message in came(url) if path == "/ours"}) == entries
    return took


def rewind(hooked: Hooked, endpoint: str) -> None:
    """It is to hear of all there is. Nobody asks for that, so there is no statement for it."""
    path = Path(f"{hooked.log_url.removeprefix('sqlite:///')}.work")
    with closing(apsw.Connection(str(path))) as db:
        db.execute("UPDATE endpoint SET cursor = 0 WHERE id = ?", (endpoint,))


def rate(entries: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, world(f"sqlite:///{folder}/audit.db") as hooked, good() as url:
        for start in range(0, entries, 1000):
            hooked.log.append([event(number) for number in range(start, min(entries, start + 1000))])
        requests = requests_of(hooked, entries)
        print(f"{entries} entries, bodies of {len(requests[0][1])} bytes, {WIDTH} at a time")
        print("| round | bare aiohttp, a second | indelible, a second | of the floor |\n| --- | --- | --- | --- |")
        ratios = []
        for number in range(rounds):
            floor = asyncio.run(bare(f"{url}/bare", requests))
            came(url)
            took = ours(hooked, url, entries)
            ratios.append(floor / took)
            print(f"| {number + 1} | {entries / floor:,.0f} | {entries / took:,.0f} | {ratios[-1]:.2f} |", flush=True)
        print(f"| median | | | {statistics.median(ratios):.2f} |")


def latencies(hooked: Hooked, url: str, seconds: float = 15.0, each: float = 0.1) -> list[float]:
    """Of every delivery to the good receiver: from the commit of its entry."""
    committed: dict[str, float] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        made = event(len(committed))
        hooked.log.append([made])
        committed[signing.message_id(made.id)] = time.time()
        time.sleep(each)
    time.sleep(3)
    found = [at - committed[message] for at, path, message in came(url) if path.startswith("/healthy")]
    assert len(found) == 99 * len(committed), (len(found), len(committed))
    return sorted(found)


def neighbours() -> None:
    print("| the hundredth endpoint | deliveries to the others | p50 ms | p95 ms | p99 ms |")
    print("| --- | --- | --- | --- | --- |")
    for name, bad in (
        ("healthy", False),
        ("fails in every way", True),
        ("healthy", False),
        ("fails in every way", True),
    ):
        with (
            tempfile.TemporaryDirectory() as folder,
            world(f"sqlite:///{folder}/audit.db") as hooked,
            good() as url,
            receiving(unreliable(1)) as chaos,
        ):
            for number in range(99):
                hooked.add(f"{url}/healthy/{number}", filter="entity:License")
            hooked.add(chaos.url if bad else f"{url}/hundredth", filter="entity:License")
            deliverer = hooked.deliver()
            found = latencies(hooked, url)
            deliverer.stop()
            shown = [found[int(len(found) * share)] * 1000 for share in (0.5, 0.95, 0.99)]
            print(f"| {name} | {len(found):,} | {' | '.join(f'{each:.0f}' for each in shown)} |", flush=True)


def chaos(entries: int, url: str) -> None:
    with world(url) as hooked, receiving(unreliable(entries)) as receiver:
        # The servers are processes of their own, and derive the same secrets.
        began = time.monotonic()
        told = survive(hooked, receiver, entries, patience=3600)
        print(f"{entries} entries, {told.requests} requests, two kills, {time.monotonic() - began:.0f} s:")
        print(
            f"{told.lost} lost, {told.twice} taken twice (by the same id), switched on again after 410: {told.resumed}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--neighbours", action="store_true")
    parser.add_argument("--chaos", type=int)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    if arguments.neighbours:
        neighbours()
    elif arguments.chaos is None:
        rate(arguments.entries, arguments.rounds)
    elif arguments.postgres:
        os.environ["INDELIBLE_KEYS"] = tempfile.mkdtemp()
        folder = new_folder()
        server = Server.start(folder)
        try:
            chaos(arguments.chaos, server.database())
        finally:
            server.stop()
            shutil.rmtree(folder)
    else:
        with tempfile.TemporaryDirectory() as beside:
            chaos(arguments.chaos, f"sqlite:///{Path(beside)}/audit.db")


if __name__ == "__main__":
    main()
